"""Where a camera sits, and the ground that it sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.types.motion import check_rigid


@dataclass(frozen=True)
class Mount:
    """
    Where a camera sits on the robot, as somebody says.

    :param base_from_camera: place of its optical frame in the base frame, shape (4, 4) [m]
    :param base_frame: name of the base frame, x forward and z up (REP-103)
    :param frame_id: name of the optical frame
    :param by_transforms: whether the transforms say it; else parameters do
    :raises FrameError: the place is not a rigid motion
    """

    base_from_camera: NDArray[np.float64]
    base_frame: str = 'base_link'
    frame_id: str = ''
    by_transforms: bool = False

    def __post_init__(self) -> None:
        """Check that the place is rigid."""
        check_rigid(self.base_from_camera[None], 'place of the camera')


@dataclass(frozen=True)
class SeenGround:
    """
    The ground in an image, beside where the mount says that it must be.

    :param tilt_rad: angle between the normal of the plane that is seen and up by the mount [rad]
    :param side: of the image that its normal says: ``below``, ``left``, ``right`` or ``above``
    :param height_m: of the camera above it [m]; NaN where depth is not metric
    :param expected_height_m: of the camera above the ground by the mount; 0: not known [m]
    :param factor: metres per unit of network depth that the height was measured with
    """

    tilt_rad: float
    side: str
    height_m: float = math.nan
    expected_height_m: float = 0.0
    factor: float = 1.0
