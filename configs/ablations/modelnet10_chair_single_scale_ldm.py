# Stage 2 of modelnet10_chair_single_scale.
_base_ = '../ddmi/modelnet10_chair.py'
first_stage_config = 'ablations/modelnet10_chair_single_scale.py'
