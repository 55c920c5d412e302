# Stage 2 of chair_single_scale.
_base_ = '../ddmi/shapenet_chair.py'
first_stage_config = 'ablations/chair_single_scale.py'
