"""Bags, sequences, videos, image folders and a synthetic world, as frames."""
