"""GEM on ModelNet10 chairs: the same training, tests reconstructions of held-out chairs.

PYTHONPATH=projects/gem python tools/test.py projects/gem/configs/gem_modelnet10_chair_held_out.py \
    work_dirs/configs/gem_modelnet10_chair/iter_4000.pth
"""

_base_ = './gem_modelnet10_chair.py'
generates = False
