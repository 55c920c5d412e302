# Stage 2 of chair_cfc_sum.
_base_ = '../ddmi/shapenet_chair.py'
first_stage_config = 'ablations/chair_cfc_sum.py'
