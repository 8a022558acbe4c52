"""What the engine says about a frame."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError
from lsd_ros.types.camera import Camera
from lsd_ros.types.frame import check_image
from lsd_ros.types.motion import RelativePose
from lsd_ros.types.mount import SeenGround


@dataclass(frozen=True)
class Scale:
    """
    What turns the network's depth into metres.

    :param factor: metres per unit of network depth; 1 where nothing is known
    :param metric: whether depth times factor really is metric
    :param source: which source it comes from, as named in diagnostics
    :param deviation: standard deviation of the factor, as a share of it; infinite: not known
    :param problem: why the scale is not metric, one sentence with the remedy; empty: it is metric
    :raises FrameError: the factor is not a positive finite number, or the deviation is negative
    """

    factor: float
    metric: bool
    source: str
    deviation: float = math.inf
    problem: str = ''

    def __post_init__(self) -> None:
        """Check the factor and its deviation."""
        if not math.isfinite(self.factor) or self.factor <= 0:
            raise FrameError(f'scale factor {self.factor} must be positive and finite')
        if not self.deviation >= 0:
            raise FrameError(f'scale deviation {self.deviation} must not be negative')


@dataclass(frozen=True)
class Estimate:
    """
    What the engine says about one frame.

    :param stamp_ns: of the input frame [ns]
    :param frame_id: of the input frame
    :param scale: what depth, motion and pose were multiplied with, and whether they are metric
    :param camera: of ``depth`` and ``image``; None where no depth was asked for
    :param depth: along the optical axis, shape (H, W), float32 [m where the scale is metric]; NaN
        invalid, +Inf beyond range, -Inf too near (REP-117, REP-118)
    :param uncertainty: standard deviation of ``depth``, shape (H, W), float32 [m]; NaN where depth
        is not a number within range; None where the weights do not know it
    :param disparity: as the network gave it, in (0, 1), shape (h, w), float32
    :param image: RGB, shape (H, W, 3), uint8, pixel for pixel with ``depth``
    :param motion: of the camera since the frame before; None where it is not known
    :param odom_from_camera: accumulated pose of the camera, shape (4, 4); None where not known
    :param odom_covariance: of ``odom_from_camera``, in the odometry frame, shape (6, 6)
    :param ground: as the frame shows it; None: not looked for, or not seen
    :param stages_s: seconds that each stage took
    :raises FrameError: shapes or types do not fit each other
    """

    stamp_ns: int
    frame_id: str
    scale: Scale
    camera: Camera | None = None
    depth: NDArray[np.float32] | None = None
    uncertainty: NDArray[np.float32] | None = None
    disparity: NDArray[np.float32] | None = None
    image: NDArray[np.uint8] | None = None
    motion: RelativePose | None = None
    odom_from_camera: NDArray[np.float64] | None = None
    odom_covariance: NDArray[np.float64] | None = None
    ground: SeenGround | None = None
    stages_s: dict[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that depth, image and camera fit each other."""
        if self.depth is None:
            return
        if self.camera is None or self.image is None:
            raise FrameError('an estimate with depth needs the camera and the image of that depth')
        size = (self.camera.height, self.camera.width)
        if self.depth.shape != size or self.depth.dtype != np.float32:
            raise FrameError(
                f'depth of {self.depth.shape}, {self.depth.dtype} must be {size}, float32'
            )
        if self.uncertainty is not None and self.uncertainty.shape != size:
            raise FrameError(f'uncertainty of {self.uncertainty.shape} must be {size}')
        check_image(self.image)
        if self.image.shape[:2] != size:
            raise FrameError(f'image of {self.image.shape[:2]} does not fit depth of {size}')

    @property
    def valid(self) -> NDArray[np.bool_]:
        """
        Return where depth is a number within range, shape (H, W).

        :raises FrameError: this estimate has no depth
        """
        if self.depth is None:
            raise FrameError('this estimate has no depth: none was asked for')
        return np.isfinite(self.depth)
