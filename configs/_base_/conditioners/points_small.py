"""Partial clouds, read by a small PointNet that is trained along."""

model = dict(conditioner=dict(type='PointCloudConditioner', channels=128, num_tokens=32))
