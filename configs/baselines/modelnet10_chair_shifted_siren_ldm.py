# Stage 2 of modelnet10_chair_shifted_siren.
_base_ = '../ddmi/modelnet10_chair.py'
first_stage_config = 'baselines/modelnet10_chair_shifted_siren.py'
