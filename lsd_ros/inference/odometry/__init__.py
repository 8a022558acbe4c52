"""Motion: the camera's and another source's, accumulated and told as that of the robot."""
