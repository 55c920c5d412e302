# One basis field at the finest scale: no hierarchy.
_base_ = '../d2c_vae/catdog_32.py'
model = dict(generator=dict(decoder=dict(strides=(1,))))
