# A transformer scales the weights of a sine network (like LDMI), in place of embeddings.
_base_ = ['../d2c_vae/afhqv2_dog.py', '../_base_/generators/transformer_siren.py']
sizes = dict(hidden_channels=544, num_layers=6, num_heads=8)
generator = dict(out_channels=3, width=256, num_layers=5, hypernetwork=sizes)
del sizes
