# Stage 2 of chair_weight_generation.
_base_ = '../ddmi/shapenet_chair.py'
first_stage_config = 'baselines/chair_weight_generation.py'
