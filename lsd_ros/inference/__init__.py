"""One frame in, one estimate out: engine, backends, odometry, scale and obstacles."""
