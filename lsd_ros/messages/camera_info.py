"""From sensor_msgs/CameraInfo to the camera of the image that was sent with it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, MessageError
from lsd_ros.foreign.door import translated
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion

SHORTEST_LENS, LONGEST_LENS = 0.05, 50.0  # focal lengths in image widths: 169 and 1 degree
LARGEST_RATIO = 4.0  # of fx to fy: images are squeezed to half their width, not to a tenth


class _Window(NamedTuple):
    """Part of the sensor that became the image: offset and size [full pixels], and binning."""

    left: int
    top: int
    width: int
    height: int
    binning_x: int
    binning_y: int

    def intrinsics(self, matrix: NDArray[np.float64]) -> tuple[float, float, float, float]:
        """Return (fx, fy, cx, cy) of the image, given the matrix of the whole sensor."""
        # A binned pixel is the area of several: their centre is half a pixel off the first one's.
        return (
            float(matrix[0, 0]) / self.binning_x,
            float(matrix[1, 1]) / self.binning_y,
            (float(matrix[0, 2]) - self.left + 0.5) / self.binning_x - 0.5,
            (float(matrix[1, 2]) - self.top + 0.5) / self.binning_y - 0.5,
        )


@translated(MessageError, 'a camera info cannot be read')
def camera_from_info(msg: Any) -> Camera:
    """
    Read a camera info, region of interest and binning included.

    K describes the image itself, R and P its rectified twin; the fourth column of P (the baseline
    of a right stereo camera) moves the camera, not its depth, and is ignored. The rectified twin
    keeps the window of the raw image, whatever ``roi.do_rectify`` says: that is a choice of
    window only, and the rectified camera says which one it is.

    :param msg: message of rclpy, or of rosbags with the names of ROS 1 or ROS 2
    :raises CameraError: uncalibrated, an impossible window, or an unknown lens model
    """
    matrix = _matrix(msg, 'k', (3, 3))
    if matrix[0, 0] == 0:
        raise CameraError(
            f'camera info of frame {msg.header.frame_id!r} is uncalibrated (K[0] is 0): '
            'calibrate the camera, for example with camera_calibration'
        )
    window = _window(msg)
    fx, fy, cx, cy = window.intrinsics(matrix)
    _check_possible(msg, matrix)
    return Camera(
        width=window.width // window.binning_x,
        height=window.height // window.binning_y,
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        distortion=(distortion := _distortion(msg, matrix, window)),
        rectified=None if distortion else _twin(msg, matrix, window),
    )


def _check_possible(msg: Any, matrix: NDArray[np.float64]) -> None:
    """
    Refuse what no lens has: it is a damaged calibration, or one in other units.

    :raises CameraError: a number is not finite, or the lens is impossible
    """
    fx, fy, cx, cy = (float(matrix[place]) for place in ((0, 0), (1, 1), (0, 2), (1, 2)))
    width, height = int(msg.width), int(msg.height)
    if not width or not height:
        return  # refused by its size
    seen = ''
    if not np.isfinite((fx, fy, cx, cy)).all():
        seen = f'has the intrinsics {(fx, fy, cx, cy)}, which must all be finite'
    elif not all(SHORTEST_LENS <= abs(f) / width <= LONGEST_LENS for f in (fx, fy)):
        seen = f'has a focal length of {fx:g} x {fy:g} pixels at a width of {width}'
    elif not 1 / LARGEST_RATIO <= abs(fx / fy) <= LARGEST_RATIO:
        seen = f'has focal lengths of {fx:g} and {fy:g} pixels, too far apart for square pixels'
    elif not (-width <= cx <= 2 * width and -height <= cy <= 2 * height):
        seen = f'has its principal point at ({cx:g}, {cy:g}), far outside of {width} x {height}'
    if seen:
        raise CameraError(
            f'camera info of frame {msg.header.frame_id!r} {seen}: calibrate the camera again, '
            'for example with camera_calibration'
        )


def _window(msg: Any) -> _Window:
    roi = msg.roi
    window = _Window(
        left=int(roi.x_offset),
        top=int(roi.y_offset),
        width=int(roi.width) or int(msg.width),
        height=int(roi.height) or int(msg.height),
        binning_x=int(msg.binning_x) or 1,
        binning_y=int(msg.binning_y) or 1,
    )
    if window.left + window.width > msg.width or window.top + window.height > msg.height:
        raise CameraError(
            f'region of interest {window.width} x {window.height} at ({window.left}, '
            f'{window.top}) leaves the {msg.width} x {msg.height} sensor: correct the camera info'
        )
    return window


def _distortion(msg: Any, matrix: NDArray[np.float64], window: _Window) -> Distortion | None:
    coefficients = tuple(float(value) for value in _field(msg, 'd'))
    # Zeros bend nothing, except for a fisheye: equidistant with zeros is still r = f theta.
    if not any(coefficients) and not (coefficients and msg.distortion_model == 'equidistant'):
        return None
    if not msg.distortion_model:
        raise CameraError(
            f'camera info of frame {msg.header.frame_id!r} has distortion coefficients '
            f"{coefficients} but no distortion_model: name it, most lenses are 'plumb_bob'"
        )
    rotation = tuple(float(value) for value in _field(msg, 'r'))
    projection = _matrix(msg, 'p', (3, 4))
    return Distortion(
        model=msg.distortion_model,
        coefficients=coefficients,
        rectification=rotation if any(rotation) else IDENTITY_ROTATION,
        rectified=window.intrinsics(projection if projection[0, 0] else matrix),
    )


def _twin(
    msg: Any, matrix: NDArray[np.float64], window: _Window
) -> tuple[float, float, float, float] | None:
    """Return what P says of a camera without distortion; None where K says the same."""
    projection = _matrix(msg, 'p', (3, 4))
    if not projection[0, 0] or np.array_equal(projection[:, :3], matrix):
        return None
    return window.intrinsics(projection)


def _matrix(msg: Any, name: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    return np.asarray(_field(msg, name), np.float64).reshape(shape)


def _field(msg: Any, name: str) -> Any:
    return getattr(msg, name if hasattr(msg, name) else name.upper())  # ROS 1 says K, ROS 2 k
