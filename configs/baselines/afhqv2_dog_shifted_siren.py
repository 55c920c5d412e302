# Shifts of a shared sine network are generated (like Functa), in place of embeddings.
_base_ = ['../d2c_vae/afhqv2_dog.py', '../_base_/generators/shifted_siren.py']
generator = dict(out_channels=3, width=512, num_layers=10, hypernetwork=dict(hidden_channels=128))
