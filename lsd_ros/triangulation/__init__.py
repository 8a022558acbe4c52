"""Depth and motion of a camera from its images, by geometry alone."""
