"""Sequences, videos, image folders and the datasets of others, as frames or to learn from."""
