# Stage 2 of afhqv2_dog_cfc_sum.
_base_ = '../ddmi/afhqv2_dog.py'
first_stage_config = 'ablations/afhqv2_dog_cfc_sum.py'
