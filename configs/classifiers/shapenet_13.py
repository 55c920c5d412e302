"""What judges shapes of a class or a caption: a classifier of the 13 ShapeNet classes.

    python tools/train.py configs/classifiers/shapenet_13.py

Data: ShapeNet in the Occupancy-Networks format below data/ShapeNet (docs/data.md).
Hardware and time: written for one GPU; not trained by us yet.
Score: none published.
"""

_base_ = [
    '../_base_/models/shape_classifier_13.py',
    '../_base_/datasets/shapenet_grids.py',
    '../_base_/schedules/adamw_cosine_classifier.py',
    '../_base_/default_runtime.py',
]
train_cfg = dict(max_iters=20_000, val_interval=5000)
