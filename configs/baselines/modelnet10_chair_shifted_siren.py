# Shifts of a shared sine network are generated (like Functa), in place of embeddings.
_base_ = ['../d2c_vae/modelnet10_chair.py', '../_base_/generators/shifted_siren.py']
generator = dict(out_channels=1, width=160, hypernetwork=dict(hidden_channels=112))
