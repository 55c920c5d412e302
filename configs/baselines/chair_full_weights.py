# All weights of a ReLU network are generated, in place of embeddings.
_base_ = ['../d2c_vae/shapenet_chair.py', '../_base_/generators/full_weights.py']
generator = dict(out_channels=1, width=256, num_layers=5, network=dict(num_frequencies=5))
generator['hypernetwork'] = dict(hidden_channels=248)
