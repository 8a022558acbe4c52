"""ROS messages to frames and estimates to ROS messages, by structure."""
