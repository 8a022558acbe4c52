"""Losses, tasks and the trainer."""
