# Stage 2 of modelnet10_chair_transformer_siren.
_base_ = '../ddmi/modelnet10_chair.py'
first_stage_config = 'baselines/modelnet10_chair_transformer_siren.py'
