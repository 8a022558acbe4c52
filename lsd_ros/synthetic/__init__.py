"""A synthetic world with exact depth, for the demo, the tests and training."""
