# Stage 2 of chair_concat.
_base_ = '../ddmi/shapenet_chair.py'
first_stage_config = 'ablations/chair_concat.py'
