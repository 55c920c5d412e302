"""Evaluating a config's checkpoint; every number keeps its protocol."""
