"""Text2Shape: ShapeNet chairs and tables with 75,344 captions, in the Occupancy-Networks format.

The voxels that are distributed with the captions serve in place of ShapeNet: see docs/data.md.
"""

data_root = '{{$DDMI_DATA:data}}'
captions = f'{data_root}/Text2Shape/captions.tablechair.csv'
shapes = dict(root=f'{data_root}/ShapeNet', classes=['03001627', '04379243'])
max_words = 56  # with punctuation; longer ones are left out: CLIP reads 77 tokens
test_set = dict(
    type='Text2Shape',
    captions=captions,
    shapes=dict(shapes, split='test', surface_points=10_000),
    max_words=max_words,
    pipeline=[
        dict(type='SubsamplePoints', num_points=10_000),
        dict(type='SubsampleSurface', num_points=3000),
        dict(type='DrawCaption'),
        dict(type='PackShape', cond='caption'),
    ],
)
train_dataloader = dict(
    batch_size=12,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='Text2Shape',
        captions=captions,
        shapes=dict(shapes, split='train'),
        max_words=max_words,
        pipeline=[
            dict(type='SubsamplePoints', num_points=2048),
            dict(type='SubsampleSurface', num_points=3000),
            dict(type='JitterSurface', std=0.005),
            dict(type='DrawCaption'),
            dict(type='PackShape', cond='caption'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=12,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**test_set, 'shapes': dict(shapes, split='val')},
)
test_dataloader = {**val_dataloader, 'dataset': test_set}
val_evaluator = [dict(type='OccupancyIoU')]
test_evaluator = [dict(type='OccupancyIoU'), dict(type='SurfaceMetrics')]
val_cfg = dict()
test_cfg = dict()
# What Table 7 of the paper reports, on ten shapes for a caption of each of 150 test shapes: the
# accuracy of a classifier, CLIP score, and how much the ten overlap.
generation = dict(
    test_dataloader=dict(
        batch_size=10,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type='default_collate'),
        dataset=dict(
            type='SeedDataset',
            num_samples=1500,
            cond=dict(type='dataset', dataset=test_set, num_items=150, repeat=10),
        ),
    ),
    test_evaluator=[
        dict(
            type='ClassAccuracy',
            classifier='{{ fileDirname }}/../../classifiers/shapenet_13.py',
        ),
        dict(
            type='ClipScore',
            extractor=dict(
                type='ClipPairExtractor',
                model='ViT-B-32',
                pretrained='{{$DDMI_WEIGHTS:weights}}/clip_vit_b_32.pt',
            ),
        ),
        dict(type='TotalMutualDifference', num_shapes=10, distance='iou'),
    ],
    test_cfg=dict(),
)
del test_set, shapes, captions, max_words
