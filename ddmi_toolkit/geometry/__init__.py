"""Meshes of fields, pictures of meshes, samples of solids."""
