"""GEM on CIFAR-10's cats and dogs: the same training, tests reconstructions of held-out pictures.

PYTHONPATH=projects/gem python tools/test.py projects/gem/configs/gem_catdog_32_held_out.py \
    work_dirs/configs/gem_catdog_32/iter_4000.pth
"""

_base_ = './gem_catdog_32.py'
generates = False
