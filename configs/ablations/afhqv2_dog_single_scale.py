# One basis field at the finest scale: no hierarchy.
_base_ = '../d2c_vae/afhqv2_dog.py'
model = dict(generator=dict(decoder=dict(strides=(1,))))
