"""Metric scale: where metres come from, how sure that is, and why there are none."""
