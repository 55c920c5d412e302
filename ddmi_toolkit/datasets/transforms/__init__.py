"""Transforms that turn a data set's record into a sample of the batch contract."""
