"""The ceiling of text to chair: what a classifier still sees of chairs in their reconstructions.

    python tools/test.py configs/d2c_vae/procedural_text2chair_attributes.py

It tests the stage 1 of configs/d2c_vae/procedural_text2chair.py, by the classifier of
configs/classifiers/procedural_chair.py; train both first, each by `python tools/train.py <config>`.

Hardware and time: one CPU core, a minute.
Score: see docs/evaluation.md.
"""

_base_ = './procedural_text2chair.py'
work_dir = 'work_dirs/d2c_vae/procedural_text2chair'
test_evaluator = [
    dict(
        type='AttributeAccuracy',
        classifier='{{ fileDirname }}/../classifiers/procedural_chair.py',
        prefix='reconstructed_attributes',
    )
]
