# Gates of low rank on shared weights are generated (INR-GAN), in place of embeddings.
_base_ = ['../d2c_vae/modelnet10_chair.py', '../_base_/generators/factorized_weights.py']
generator = dict(out_channels=1, hypernetwork=dict(hidden_channels=64))
