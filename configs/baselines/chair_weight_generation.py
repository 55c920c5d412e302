# Generate an MLP's weights over fixed Fourier features in place of the positional embedding.
_base_ = '../d2c_vae/shapenet_chair.py'
model = dict(generator=dict(_delete_=True, type='WeightGenerator', out_channels=1))
