# Stage 2 of catdog_32_single_scale.
_base_ = '../ddmi/catdog_32.py'
first_stage_config = 'ablations/catdog_32_single_scale.py'
