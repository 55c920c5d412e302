# All embeddings enter at the first block.
_base_ = '../d2c_vae/afhqv2_dog.py'
model = dict(generator=dict(readout=dict(type='ConcatReadout')))
