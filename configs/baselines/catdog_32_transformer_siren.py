# A transformer scales the weights of a sine network (like LDMI), in place of embeddings.
_base_ = ['../d2c_vae/catdog_32.py', '../_base_/generators/transformer_siren.py']
generator = dict(out_channels=3, hypernetwork=dict(hidden_channels=128))
