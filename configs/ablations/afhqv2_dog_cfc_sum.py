# Embeddings are added to the features, not concatenated (section 3.1).
_base_ = '../d2c_vae/afhqv2_dog.py'
model = dict(generator=dict(readout=dict(combine='sum')))
