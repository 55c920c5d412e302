# All embeddings enter at the first block.
_base_ = '../d2c_vae/modelnet10_chair.py'
model = dict(generator=dict(readout=dict(type='ConcatReadout')))
