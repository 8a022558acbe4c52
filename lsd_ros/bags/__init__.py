"""Bags of ROS 1 and ROS 2: read, written, salvaged; and the topics of a camera in them."""
