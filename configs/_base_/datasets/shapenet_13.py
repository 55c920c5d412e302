"""The 13 ShapeNet classes of the Occupancy-Networks split."""

_base_ = './shapenet_chair.py'
train_dataloader = dict(dataset=dict(classes=None))
val_dataloader = dict(dataset=dict(classes=None))
test_dataloader = dict(dataset=dict(classes=None))
