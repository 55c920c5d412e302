# Gates of low rank on shared weights are generated (INR-GAN), in place of embeddings.
_base_ = ['../d2c_vae/catdog_32.py', '../_base_/generators/factorized_weights.py']
generator = dict(out_channels=3, hypernetwork=dict(hidden_channels=62))
