"""The 13 ShapeNet classes of the Occupancy-Networks split."""

_base_ = './shapenet_chair.py'
train_dataloader = dict(dataset=dict(classes=None))
val_dataloader = dict(dataset=dict(classes=None))
test_dataloader = dict(dataset=dict(classes=None))
# Lists do not merge: the metric of the base, against references of all classes.
generation = dict(
    test_evaluator=[
        dict(
            type='PointCloudMetrics',
            reference=dict(
                type='ShapeNetOccupancy',
                root={{_base_.data_root}},
                classes=None,
                split='test',
                surface_points=2048,
                pipeline=[dict(type='PackShape')],
            ),
            normalize='unit_sphere',
            distances=['cd'],
        )
    ]
)
