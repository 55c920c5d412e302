"""ShapeNet of the Occupancy-Networks format as grids: the majority of the queries in a cell."""

data_root = '{{$DDMI_DATA:data}}/ShapeNet'
votes = dict(type='VoteGrid', resolution=32)
test_set = dict(
    type='ShapeNetOccupancy',
    root=data_root,
    split='test',
    pipeline=[votes, dict(type='PackGrid')],
)
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='SeededInfiniteSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ShapeNetOccupancy',
        root=data_root,
        split='train',
        pipeline=[
            votes,
            dict(type='MirrorGrid'),
            dict(type='MoveGrid'),
            dict(type='RoughenGrid'),
            dict(type='PackGrid'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset={**test_set, 'split': 'val'},
)
test_dataloader = {**val_dataloader, 'dataset': test_set}
val_evaluator = [dict(type='ClassifierAccuracy')]
test_evaluator = [dict(type='ClassifierAccuracy')]
val_cfg = dict()
test_cfg = dict()
del test_set, votes
