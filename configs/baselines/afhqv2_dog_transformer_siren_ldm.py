# Stage 2 of afhqv2_dog_transformer_siren.
_base_ = '../ddmi/afhqv2_dog.py'
first_stage_config = 'baselines/afhqv2_dog_transformer_siren.py'
