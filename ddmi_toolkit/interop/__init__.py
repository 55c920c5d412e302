"""Published checkpoints as ours."""
