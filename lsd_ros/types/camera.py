"""Cameras: what a pixel means."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError
from lsd_ros.types.motion import rotation_error

IDENTITY_ROTATION = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
ROTATION_TOLERANCE = 1e-3  # of any number of R R^T: a rotation written with 4 digits passes
# OpenCV tells the lenses of the first two by their number alone, and so do drivers: some write
# plumb_bob and eight coefficients.
_OPENCV_LENGTHS = (4, 5, 8, 12, 14)
DISTORTION_LENGTHS = {
    'plumb_bob': _OPENCV_LENGTHS,
    'rational_polynomial': _OPENCV_LENGTHS,
    'equidistant': (4,),
}


@dataclass(frozen=True)
class Distortion:
    """
    How a lens bends the image, and the rectified camera that undoes it (sensor_msgs/CameraInfo).

    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``
    :param coefficients: in OpenCV's order
    :param rectification: 3 x 3 rotation, row by row, from the camera to its rectified twin
    :param rectified: (fx, fy, cx, cy) of the rectified twin [pixels]
    :raises CameraError: the model is unknown, the number of coefficients does not fit it, a number
        is not finite, or the rectification is no rotation
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
        _check_rotation(self.rectification)


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
    :param rectified: (fx, fy, cx, cy) of the rectified twin, where the image has no distortion and
        that is another camera all the same [pixels]; None: it is this one
    :raises CameraError: a size or focal length is not positive, or a value is not finite
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Distortion | None = None
    rectified: tuple[float, float, float, float] | None = None

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

    @property
    def focal_px(self) -> float:
        """Return the geometric mean of both focal lengths [pixels]."""
        return math.sqrt(self.fx * self.fy)

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
        return Camera(width, height, self.fx, self.fy, self.cx - left, self.cy - top)

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

    def reduced(self, factor: int) -> Camera:
        """
        Return the camera of the image whose pixels stand for ``factor`` pixels each way.

        What does not fill a pixel makes one at the right and lower border; distortion is kept.
        """
        lens = self.distortion
        if lens is not None:
            lens = dataclasses.replace(lens, rectified=_reduced(lens.rectified, factor))
        return Camera(
            -(-self.width // factor),
            -(-self.height // factor),
            *_reduced((self.fx, self.fy, self.cx, self.cy), factor),
            distortion=lens,
            rectified=None if self.rectified is None else _reduced(self.rectified, factor),
        )

    def flipped(self) -> Camera:
        """
        Return the camera of the image mirrored left to right: cx -> W - 1 - cx.

        :raises CameraError: the image is distorted
        """
        self._must_be_rectified('flip')
        return dataclasses.replace(self, cx=self.width - 1 - self.cx, rectified=None)

    def rectified_twin(self) -> Camera:
        """
        Return the camera of the image once it is rectified, for images that are already.

        :raises CameraError: its numbers cannot be those of a camera
        """
        twin = self.rectified if self.distortion is None else self.distortion.rectified
        return Camera(self.width, self.height, *twin) if twin else self

    def without_twin(self) -> Camera:
        """Return this camera alone, for images that are as the camera gave them."""
        return dataclasses.replace(self, rectified=None) if self.rectified else self

    def _must_be_rectified(self, action: str) -> None:
        if self.distortion is not None:
            raise CameraError(f'cannot {action} a distorted camera: undistort its image first')


def _check_rotation(rectification: tuple[float, ...]) -> None:
    """
    Check that a matrix turns, and neither stretches nor mirrors.

    :param rectification: 3 x 3, row by row, finite
    :raises CameraError: it is no rotation
    """
    if not rotation_error(np.array(rectification).reshape(1, 3, 3)) <= ROTATION_TOLERANCE:
        shown = ', '.join(f'{value:g}' for value in rectification)
        raise CameraError(
            f'the rectification matrix R ({shown}) is no rotation: calibrate the camera again, or '
            'give the identity where it is not one of a stereo pair'
        )


def _reduced(
    intrinsics: tuple[float, float, float, float], factor: int
) -> tuple[float, float, float, float]:
    fx, fy, cx, cy = (value / factor for value in intrinsics)
    beside = 0.5 / factor - 0.5  # the centre of several pixels is not that of the first one
    return fx, fy, cx + beside, cy + beside


def describe_camera(camera: Camera | None) -> dict[str, Any] | None:
    """Return a camera as JSON would have it."""
    if camera is None:
        return None
    result = dataclasses.asdict(camera)
    if camera.distortion is not None:
        result['distortion'] = camera.distortion.model
    if camera.rectified is None:
        del result['rectified']
    return result
