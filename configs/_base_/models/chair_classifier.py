"""A classifier of procedural chairs: what can be told on a grid of 48 cells along a side.

A class is defined by the attributes that hold for its members. Left out: cushions, which rise by
one cell, and whether legs are round, square or tapered, which is less.
"""

model = dict(
    type='FieldClassifier',
    resolution=48,
    base_channels=16,
    headline=['has_arms', 'base', 'swivel', 'has_back'],
    questions=dict(
        has_arms=dict(no=dict(has_arms=False), yes=dict(has_arms=True)),
        base=dict(
            three_legs=dict(num_legs=3),
            four_legs=dict(num_legs=4),
            star=dict(legs='star'),
            pedestal=dict(legs='pedestal'),
            panel=dict(legs='panel'),
        ),
        swivel=dict(no=dict(swivel=False), yes=dict(swivel=True)),
        has_back=dict(
            no=dict(back='none'), yes=dict(back=['solid', 'slats', 'spindles', 'ladder'])
        ),
        kind=dict(
            chair=dict(kind='chair'),
            armchair=dict(kind='armchair'),
            stool=dict(kind='stool'),
            swivel_chair=dict(kind='swivel_chair'),
            rocking_chair=dict(kind='rocking_chair'),
            bench=dict(kind='bench'),
        ),
        back=dict(
            none=dict(back='none'),
            solid=dict(back='solid'),
            slats=dict(back='slats'),
            spindles=dict(back='spindles'),
            ladder=dict(back='ladder'),
        ),
        seat=dict(square=dict(seat='square'), round=dict(seat='round')),
        rockers=dict(no=dict(rockers=False), yes=dict(rockers=True)),
        has_stretchers=dict(no=dict(has_stretchers=False), yes=dict(has_stretchers=True)),
    ),
)
