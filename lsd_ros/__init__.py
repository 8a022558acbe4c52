"""
Lightweight self-supervised depth for ROS 2: one ordinary camera in, metric depth out.

The rooms, and what each one is for (``test/test_architecture.py`` enforces who may import whom):

- ``types``, ``errors``, ``settings``: the vocabulary that every room speaks.
- ``foreign``: the door to files of others and to the libraries that read them; limits.
- ``config``: YAML files to settings and back.
- ``messages``: ROS messages to frames, and estimates to ROS messages, for rclpy and rosbags alike.
- ``geometry``: cameras, poses, depth and warping as tensor functions, nothing learned.
- ``models``: the networks, their preprocessing and their weights files.
- ``inference``: one frame in, one estimate out; backends, odometry, scale, obstacles.
- ``safety``: what makes a robot blind, how it is noticed, and whether obstacles may be reported.
- ``publication``: the one policy for what may be published, for the node, replay and benchmark.
- ``datasets``: bags, sequences, videos, image folders and a synthetic world.
- ``evaluation``: depth and trajectory errors.
- ``training``: losses, tasks and the trainer.
- ``adaptation``: from a recording of plain video to weights for that robot.
- ``ros``: the node; the only home of rclpy.
- ``cli``: the ``lsd_ros`` command; the only home of printing and exit codes.
"""

__version__ = '0.1.0'
