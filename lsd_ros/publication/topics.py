"""The results, by the relative names of their topics."""

from __future__ import annotations

DEPTH = 'depth/image_rect'
CAMERA_INFO = 'depth/camera_info'
UNCERTAINTY = 'depth/uncertainty'
POINTS = 'points'
SCAN = 'scan'
PREVIEW = 'depth/preview'
ODOMETRY = 'odom'
TRANSFORMS = '/tf'

OBSTACLES = (DEPTH, CAMERA_INFO, UNCERTAINTY, POINTS, SCAN)
