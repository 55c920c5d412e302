# Gates of low rank on shared weights are generated (INR-GAN), in place of embeddings.
_base_ = ['../d2c_vae/afhqv2_dog.py', '../_base_/generators/factorized_weights.py']
generator = dict(out_channels=3, width=512, num_layers=6, network=dict(num_frequencies=7))
generator['hypernetwork'] = dict(hidden_channels=108)
