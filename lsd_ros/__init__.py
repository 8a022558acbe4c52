"""
Lightweight self-supervised depth for ROS 2: one ordinary camera in, metric depth out.

The rooms, and what each one is for (``test/test_architecture.py`` enforces who may import whom):

- ``types``, ``errors``, ``settings``: the vocabulary that every room speaks.
- ``foreign``: the border to files, libraries and data of others; limits.
- ``config``: YAML files to settings and back.
- ``messages``: ROS messages to frames, and estimates to ROS messages, for rclpy and rosbags alike.
- ``geometry``: cameras, poses, depth and warping as tensor functions, nothing learned.
- ``models``: the networks, their preprocessing and their weights files.
- ``inference``: one frame in, one estimate out; backends, odometry, scale, obstacles.
- ``safety``: what makes a robot blind, how it is noticed, and whether obstacles may be reported.
- ``publication``: the one policy for what may be published, for the node, replay and benchmark.
- ``bags``: bags of ROS 1 and ROS 2, read, written and salvaged, and the topics in them.
- ``datasets``: sequences, videos, image folders and the datasets of others.
- ``extraction``: training sequences from bags and videos.
- ``triangulation``: depth and motion from images, by geometry alone.
- ``synthetic``: a world that is rendered with exact depth.
- ``evaluation``: depth and trajectory errors.
- ``training``: losses, tasks and the trainer; ``training.data``: what it learns from.
- ``adaptation``: from a recording of plain video to weights for that robot.
- ``ros``: the node; the only home of rclpy.
- ``cli``: the ``lsd_ros`` command; the only home of printing and exit codes.
"""

__version__ = '0.2.0'
