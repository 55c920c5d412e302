"""Hooks, logging and seeds that every run shares."""

default_scope = 'ddmi_toolkit'
default_hooks = dict(
    checkpoint=dict(type='StateHook', interval=1000, max_keep=2),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    guard=dict(type='GuardHook'),
    throughput=dict(type='ThroughputHook'),
)
log_processor = dict(by_epoch=False, window_size=50)
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
visualizer = dict(
    type='FieldVisualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)
randomness = dict(seed=0)
