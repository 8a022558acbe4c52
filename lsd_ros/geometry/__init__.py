"""Cameras, poses, depth and warping as stateless torch functions; nothing is learned here."""
