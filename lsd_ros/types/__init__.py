"""
The vocabulary: what travels between the rooms, checked at birth.

Poses are 4 x 4 matrices named ``b_from_a``: they take coordinates in frame a to coordinates in
frame b. Cameras look along +z with x to the right and y down (the optical frame of REP-103).
Covariances are 6 x 6 in the order x, y, z, rotation about x, y, z [m^2, rad^2]. Stamps are
nanoseconds.
"""

from lsd_ros.types.camera import DISTORTION_LENGTHS, IDENTITY_ROTATION, Camera, Distortion
from lsd_ros.types.estimate import Estimate, Scale
from lsd_ros.types.frame import Frame, Reduction
from lsd_ros.types.motion import BasePose, MotionNoise, RelativePose, Trajectory
from lsd_ros.types.mount import Mount, SeenGround
from lsd_ros.types.obstacles import Cloud, Scan

__all__ = [
    'DISTORTION_LENGTHS',
    'IDENTITY_ROTATION',
    'BasePose',
    'Camera',
    'Cloud',
    'Distortion',
    'Estimate',
    'Frame',
    'MotionNoise',
    'Mount',
    'Reduction',
    'RelativePose',
    'Scale',
    'Scan',
    'SeenGround',
    'Trajectory',
]
