# Stage 2 of chair_full_weights.
_base_ = '../ddmi/shapenet_chair.py'
first_stage_config = 'baselines/chair_full_weights.py'
