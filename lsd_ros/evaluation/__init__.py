"""Depth and trajectory errors as pure functions."""
