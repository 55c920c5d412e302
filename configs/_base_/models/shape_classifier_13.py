"""A classifier of the 13 ShapeNet classes on a grid of 32 cells along a side.

A class is known by its identifier, or by its name as data sets spell it.
"""

model = dict(
    type='FieldClassifier',
    resolution=32,
    base_channels=24,
    questions=dict(
        category=dict(
            airplane=dict(class_name=['02691156', 'airplane', 'airplane,aeroplane,plane']),
            bench=dict(class_name=['02828884', 'bench']),
            cabinet=dict(class_name=['02933112', 'cabinet']),
            car=dict(class_name=['02958343', 'car', 'car,auto,automobile,machine,motorcar']),
            chair=dict(class_name=['03001627', 'chair']),
            display=dict(class_name=['03211117', 'display', 'display,video display']),
            lamp=dict(class_name=['03636649', 'lamp']),
            loudspeaker=dict(
                class_name=[
                    '03691459',
                    'loudspeaker',
                    'loudspeaker,speaker,speaker unit,loudspeaker system,speaker system',
                ]
            ),
            rifle=dict(class_name=['04090263', 'rifle']),
            sofa=dict(class_name=['04256520', 'sofa', 'sofa,couch,lounge']),
            table=dict(class_name=['04379243', 'table']),
            telephone=dict(class_name=['04401088', 'telephone', 'telephone,phone,telephone set']),
            vessel=dict(class_name=['04530566', 'vessel', 'vessel,watercraft']),
        )
    ),
)
