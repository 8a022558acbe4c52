"""The lsd_ros command; the only home of printing and exit codes."""
