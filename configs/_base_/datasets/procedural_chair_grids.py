"""Occupancy grids of procedural chairs, apart from those that generators are trained on.

Training chairs are varied as decoded fields are: moved, smoothed, thicker or thinner, with gaps.
"""

held_out = dict(type='ProceduralChairGrids', num_shapes=512, first_seed=1_000_000, resolution=48)
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ProceduralChairGrids',
        num_shapes=4096,
        first_seed=2_000_000,
        resolution=48,
        pipeline=[
            dict(type='MirrorGrid'),
            dict(type='MoveGrid'),
            dict(type='RoughenGrid'),
            dict(type='PackGrid'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**held_out, 'num_shapes': 128, 'first_seed': 1_100_000},
)
test_dataloader = {**val_dataloader, 'dataset': held_out}
headline = ['has_arms', 'base', 'swivel', 'has_back']
val_evaluator = [dict(type='ClassifierAccuracy', headline=headline)]
test_evaluator = [dict(type='ClassifierAccuracy', headline=headline)]
val_cfg = dict()
test_cfg = dict()
del held_out, headline
