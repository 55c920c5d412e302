# A transformer scales the weights of a sine network (like LDMI), in place of embeddings.
_base_ = ['../d2c_vae/modelnet10_chair.py', '../_base_/generators/transformer_siren.py']
generator = dict(out_channels=1, network=dict(frequency=10.0))
generator['hypernetwork'] = dict(hidden_channels=136)
optim_wrapper = dict(optimizer=dict(lr=1e-3))  # 3e-3 is worse
