# Stage 2 of catdog_32_factorized_weights.
_base_ = '../ddmi/catdog_32.py'
first_stage_config = 'baselines/catdog_32_factorized_weights.py'
