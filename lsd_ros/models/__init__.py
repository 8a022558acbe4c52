"""The networks of the method, their preprocessing and their weights files."""
