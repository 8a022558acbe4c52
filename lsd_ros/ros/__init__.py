"""The node and its tools; the only home of rclpy."""
