"""What a robot must not touch: point clouds and laser scans from depth."""
