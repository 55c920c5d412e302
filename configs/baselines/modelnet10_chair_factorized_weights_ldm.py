# Stage 2 of modelnet10_chair_factorized_weights.
_base_ = '../ddmi/modelnet10_chair.py'
first_stage_config = 'baselines/modelnet10_chair_factorized_weights.py'
