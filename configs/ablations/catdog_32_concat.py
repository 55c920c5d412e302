# All embeddings enter at the first block.
_base_ = '../d2c_vae/catdog_32.py'
model = dict(generator=dict(readout=dict(type='ConcatReadout')))
