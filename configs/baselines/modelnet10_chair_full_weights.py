# All weights of a ReLU network are generated, in place of embeddings.
_base_ = ['../d2c_vae/modelnet10_chair.py', '../_base_/generators/full_weights.py']
generator = dict(out_channels=1, width=48, hypernetwork=dict(hidden_channels=50))
