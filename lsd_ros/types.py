"""
The vocabulary: what travels between the rooms, checked at birth.

Poses are 4 x 4 matrices named ``b_from_a``: they take coordinates in frame a to coordinates in
frame b. Cameras look along +z with x to the right and y down (the optical frame of REP-103).
Covariances are 6 x 6 in the order x, y, z, rotation about x, y, z [m^2, rad^2]. Stamps are
nanoseconds.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError

IDENTITY_ROTATION = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
DISTORTION_LENGTHS = {'plumb_bob': (4, 5), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,)}


@dataclass(frozen=True)
class Distortion:
    """
    How a lens bends the image, and the rectified camera that undoes it (sensor_msgs/CameraInfo).

    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``
    :param coefficients: in OpenCV's order
    :param rectification: 3 x 3 rotation, row by row, from the camera to its rectified twin
    :param rectified: (fx, fy, cx, cy) of the rectified twin [pixels]
    :raises CameraError: the model is unknown or the number of coefficients does not fit it
    """

    model: str
    coefficients: tuple[float, ...]
    rectification: tuple[float, ...]
    rectified: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        """Check the model and its coefficients."""
        if self.model not in DISTORTION_LENGTHS:
            known = ', '.join(DISTORTION_LENGTHS)
            raise CameraError(
                f'distortion model {self.model!r} is unknown: the known ones are {known}'
            )
        lengths = DISTORTION_LENGTHS[self.model]
        if len(self.coefficients) not in lengths:
            raise CameraError(
                f'{self.model} distortion has {len(self.coefficients)} coefficients: '
                f'it takes {" or ".join(str(length) for length in lengths)}'
            )
        if len(self.rectification) != 9 or len(self.rectified) != 4:
            raise CameraError('a distortion needs a 3 x 3 rectification and (fx, fy, cx, cy)')
        if not all(map(math.isfinite, self.coefficients + self.rectification + self.rectified)):
            raise CameraError(f'distortion coefficients {self.coefficients} must all be finite')


@dataclass(frozen=True)
class Camera:
    """
    A pinhole camera and the image size that it belongs to.

    Pixel (u, v) has its centre at integer coordinates, as in OpenCV and sensor_msgs/CameraInfo.

    :param width: image width [pixels]
    :param height: image height [pixels]
    :param fx: focal length along the rows [pixels]
    :param fy: focal length along the columns [pixels]
    :param cx: principal point, column [pixels]
    :param cy: principal point, row [pixels]
    :param distortion: None for an ideal or already rectified image
    :raises CameraError: a size or focal length is not positive, or a value is not finite
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Distortion | None = None

    def __post_init__(self) -> None:
        """Check sizes and focal lengths."""
        if self.width <= 0 or self.height <= 0:
            raise CameraError(f'camera size {self.width} x {self.height} must be positive')
        if not all(map(math.isfinite, (self.fx, self.fy, self.cx, self.cy))):
            raise CameraError(
                f'camera intrinsics {self.fx, self.fy, self.cx, self.cy} must all be finite'
            )
        if self.fx <= 0 or self.fy <= 0:
            raise CameraError(
                f'focal length {self.fx} x {self.fy} must be positive: is the camera calibrated?'
            )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Return the 3 x 3 intrinsic matrix K."""
        return np.array(
            [[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]], dtype=np.float64
        )

    def cropped(self, left: int, top: int, width: int, height: int) -> Camera:
        """
        Return the camera of a window of the image.

        :raises CameraError: the window is empty or leaves the image, or the image is distorted
        """
        self._must_be_rectified('crop')
        if left < 0 or top < 0 or left + width > self.width or top + height > self.height:
            raise CameraError(
                f'window {width} x {height} at ({left}, {top}) leaves the '
                f'{self.width} x {self.height} image'
            )
        return dataclasses.replace(
            self, width=width, height=height, cx=self.cx - left, cy=self.cy - top
        )

    def resized(self, width: int, height: int) -> Camera:
        """
        Return the camera of the resized image; areas are scaled, so c' = s (c + 0.5) - 0.5.

        :raises CameraError: the new size is not positive, or the image is distorted
        """
        self._must_be_rectified('resize')
        sx, sy = width / self.width, height / self.height
        return Camera(
            width=width,
            height=height,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
        )

    def flipped(self) -> Camera:
        """
        Return the camera of the image mirrored left to right: cx -> W - 1 - cx.

        :raises CameraError: the image is distorted
        """
        self._must_be_rectified('flip')
        return dataclasses.replace(self, cx=self.width - 1 - self.cx)

    def _must_be_rectified(self, action: str) -> None:
        if self.distortion is not None:
            raise CameraError(f'cannot {action} a distorted camera: undistort its image first')


@dataclass(frozen=True)
class Frame:
    """
    One image of a camera.

    :param stamp_ns: time of exposure [ns]
    :param frame_id: optical frame of the camera
    :param image: RGB, shape (H, W, 3), uint8
    :param camera: of exactly this image; None while it is not known
    :raises FrameError: the image has another shape or type
    :raises CameraError: the camera is of another size than the image
    """

    stamp_ns: int
    frame_id: str
    image: NDArray[np.uint8]
    camera: Camera | None = None

    def __post_init__(self) -> None:
        """Check shape, type and camera size."""
        _check_image(self.image)
        height, width = self.image.shape[:2]
        if self.camera is not None and (self.camera.width, self.camera.height) != (width, height):
            raise CameraError(
                f'camera of {self.camera.width} x {self.camera.height} does not fit '
                f'an image of {width} x {height}: give the calibration of this image size'
            )


@dataclass(frozen=True)
class RelativePose:
    """
    The motion of one camera between two stamps.

    :param current_from_previous: shape (4, 4), takes points of the previous camera to the current
    :param previous_ns: stamp of the previous frame [ns]
    :param current_ns: stamp of the current frame [ns], later than the previous one
    :param covariance: of the motion, in the previous camera, shape (6, 6)
    :raises FrameError: the matrix is not a finite rigid motion, or time does not move forward
    """

    current_from_previous: NDArray[np.float64]
    previous_ns: int
    current_ns: int
    covariance: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check that the matrix is rigid and that time moves forward."""
        _check_rigid(self.current_from_previous[None], 'relative pose')
        _check_covariance(self.covariance, 'relative pose')
        if self.current_ns <= self.previous_ns:
            raise FrameError(
                f'motion from {self.previous_ns} to {self.current_ns} ns must move forward in time'
            )


@dataclass(frozen=True)
class Scale:
    """
    What turns the network's depth into metres.

    :param factor: metres per unit of network depth; 1 where nothing is known
    :param metric: whether depth times factor really is metric
    :param source: which source it comes from, as named in diagnostics
    :raises FrameError: the factor is not a positive finite number
    """

    factor: float
    metric: bool
    source: str

    def __post_init__(self) -> None:
        """Check the factor."""
        if not math.isfinite(self.factor) or self.factor <= 0:
            raise FrameError(f'scale factor {self.factor} must be positive and finite')


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
    :param disparity: as the network gave it, in (0, 1), shape (h, w), float32
    :param image: RGB, shape (H, W, 3), uint8, pixel for pixel with ``depth``
    :param motion: of the camera since the frame before; None where it is not known
    :param odom_from_camera: accumulated pose of the camera, shape (4, 4); None where not known
    :param odom_covariance: of ``odom_from_camera``, in the odometry frame, shape (6, 6)
    :param stages_s: seconds that each stage took
    :raises FrameError: shapes or types do not fit each other
    """

    stamp_ns: int
    frame_id: str
    scale: Scale
    camera: Camera | None = None
    depth: NDArray[np.float32] | None = None
    disparity: NDArray[np.float32] | None = None
    image: NDArray[np.uint8] | None = None
    motion: RelativePose | None = None
    odom_from_camera: NDArray[np.float64] | None = None
    odom_covariance: NDArray[np.float64] | None = None
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
        _check_image(self.image)
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


@dataclass(frozen=True)
class Trajectory:
    """
    Poses of one camera over time.

    :param stamps_ns: strictly increasing, shape (N,), int64
    :param world_from_camera: shape (N, 4, 4), float64
    :raises FrameError: the lengths differ, stamps do not increase, or a pose is not rigid
    """

    stamps_ns: NDArray[np.int64]
    world_from_camera: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check lengths, order and poses."""
        if self.world_from_camera.shape != (len(self.stamps_ns), 4, 4):
            raise FrameError(
                f'{len(self.stamps_ns)} stamps do not fit poses of shape '
                f'{self.world_from_camera.shape}: one 4 x 4 pose per stamp'
            )
        if np.any(np.diff(self.stamps_ns) <= 0):
            raise FrameError('stamps of a trajectory must strictly increase: sort them first')
        _check_rigid(self.world_from_camera, 'pose of a trajectory')

    def __len__(self) -> int:
        """Return the number of poses."""
        return len(self.stamps_ns)


@dataclass(frozen=True)
class Cloud:
    """
    Points seen by a camera, packed as sensor_msgs/PointCloud2 wants them.

    :param stamp_ns: of the image that they were seen in [ns]
    :param frame_id: frame of the coordinates
    :param points: shape (rows, columns, 3 or 4), float32, contiguous: x, y, z [m] and, where there
        are 4, the bits of the integer 0x00RRGGBB; invalid points are NaN; a list has one row
    :param dense: whether every point is valid
    :raises FrameError: the array has another shape or type
    """

    stamp_ns: int
    frame_id: str
    points: NDArray[np.float32]
    dense: bool

    def __post_init__(self) -> None:
        """Check shape and type."""
        if self.points.ndim != 3 or self.points.shape[2] not in (3, 4):
            raise FrameError(
                f'points of shape {self.points.shape} must be (rows, columns, 3 or 4)'
            )
        if self.points.dtype != np.float32 or not self.points.flags.c_contiguous:
            raise FrameError(f'points of type {self.points.dtype} must be contiguous float32')

    @property
    def has_rgb(self) -> bool:
        """Return whether the points carry colour."""
        return bool(self.points.shape[2] == 4)


def _check_image(image: NDArray[Any]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise FrameError(
            f'image of {image.shape}, {image.dtype} must be RGB: (height, width, 3), uint8'
        )


def _check_rigid(matrices: NDArray[np.float64], what: str) -> None:
    if matrices.shape[-2:] != (4, 4):
        raise FrameError(f'{what} of shape {matrices.shape} must be 4 x 4')
    if not np.all(np.isfinite(matrices)):
        raise FrameError(f'{what} has values that are not finite')
    rotation = matrices[:, :3, :3]
    error = np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3))
    if np.any(error > 1e-4) or np.any(np.linalg.det(rotation) < 0):
        raise FrameError(f'{what} is not a rotation and a translation')
    if np.any(matrices[:, 3] != (0.0, 0.0, 0.0, 1.0)):
        raise FrameError(f'{what} must end with the row 0 0 0 1')


def _check_covariance(covariance: NDArray[np.float64], what: str) -> None:
    if covariance.shape != (6, 6) or not np.all(np.isfinite(covariance)):
        raise FrameError(f'covariance of a {what} must be 6 x 6 and finite')
