# Stage 2 of afhqv2_dog_single_scale.
_base_ = '../ddmi/afhqv2_dog.py'
first_stage_config = 'ablations/afhqv2_dog_single_scale.py'
