# Shifts of a shared sine network are generated (like Functa), in place of embeddings.
_base_ = ['../d2c_vae/catdog_32.py', '../_base_/generators/shifted_siren.py']
generator = dict(out_channels=3, width=160, network=dict(frequency=10.0))
generator['hypernetwork'] = dict(hidden_channels=112)
optim_wrapper = dict(optimizer=dict(lr=1e-3))  # 3e-3 is worse
