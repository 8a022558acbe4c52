"""
Calibrations of cameras: the file of ROS (camera_calibration_parsers), read and written; those of
OpenCV and kalibr, read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, DatasetError, LsdError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.foreign.limits import limits
from lsd_ros.foreign.yaml_text import parse_yaml
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion

OPENCV_START = '%YAML:'
KALIBR_LENSES = {'radtan': 'plumb_bob', 'equidistant': 'equidistant', 'none': 'plumb_bob'}
SHOWN = 40  # characters of a value that is wrong
WANTED = (
    'give the file that camera_calibration of ROS writes (image_width, camera_matrix, '
    "distortion_coefficients, ...), that of OpenCV, or kalibr's of one camera"
)


def read_camera(path: str | Path) -> Camera:
    """
    Read the calibration of a camera: a file of ROS, of OpenCV, or of kalibr with one camera.

    :raises DatasetError: the file is missing, unreadable or no calibration file
    :raises CameraError: it describes an uncalibrated or impossible camera
    """
    text = read_text(path, DatasetError)
    if text.startswith(OPENCV_START):  # what OpenCV writes first is no YAML
        text = text.partition('\n')[2]
    content = parse_yaml(text, str(path), DatasetError)
    try:
        with ForeignCode(DatasetError, f'{path} is no camera calibration', WANTED):
            camera = _camera(content)
            limits().check_image(camera.width, camera.height, 3, CameraError)
            return camera
    except LsdError as error:
        kind = CameraError if isinstance(error, CameraError) else DatasetError
        raise error if str(path) in str(error) else kind(f'{path}: {error}') from error


def write_camera(path: str | Path, camera: Camera, name: str = 'camera') -> None:
    """
    Write a ROS camera calibration file, wholly or not at all.

    :param name: of the camera
    :raises DatasetError: the file cannot be written
    """
    distortion = camera.distortion or Distortion(
        'plumb_bob', (0.0,) * 5, IDENTITY_ROTATION, (camera.fx, camera.fy, camera.cx, camera.cy)
    )
    fx, fy, cx, cy = camera.rectified or distortion.rectified
    projection = (fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0)
    content = {
        'image_width': camera.width,
        'image_height': camera.height,
        'camera_name': name,
        'camera_matrix': _table(3, 3, camera.matrix.ravel()),
        'distortion_model': distortion.model,
        'distortion_coefficients': _table(
            1, len(distortion.coefficients), distortion.coefficients
        ),
        'rectification_matrix': _table(3, 3, distortion.rectification),
        'projection_matrix': _table(3, 4, projection),
    }
    text = yaml.safe_dump(content, sort_keys=False, width=200)
    problem = f'cannot write the calibration {path}'
    write_atomically(Path(path), text.encode(), problem=problem)


def _camera(content: Any) -> Camera:
    if not isinstance(content, dict):
        raise TypeError(f'it holds {type(content).__name__}, not a mapping')
    if any(isinstance(value, dict) and 'intrinsics' in value for value in content.values()):
        return _kalibr(content)
    matrix = _matrix(content, 'camera_matrix', 3, 3)
    distortion = _distortion(content, matrix)
    fx, fy, cx, cy = _intrinsics(matrix)
    width, height = _pixels(content, 'image_width'), _pixels(content, 'image_height')
    rectified = None if distortion else _intrinsics(_projection(content, matrix))
    if rectified == (fx, fy, cx, cy):
        rectified = None
    return Camera(width, height, fx, fy, cx, cy, distortion, rectified)


def _distortion(content: dict[str, Any], matrix: NDArray[np.float64]) -> Distortion | None:
    coefficients: tuple[float, ...] = ()
    if 'distortion_coefficients' in content:
        name = 'distortion_coefficients'
        coefficients = tuple(_number(value, name) for value in _data(content, name))
    model = content.get('distortion_model', 'plumb_bob')
    # zeros bend nothing, except for a fisheye: equidistant with zeros is still r = f theta
    if not any(coefficients) and not (coefficients and model == 'equidistant'):
        return None
    rectification: tuple[float, ...] = IDENTITY_ROTATION
    if 'rectification_matrix' in content:
        rectification = tuple(map(float, _matrix(content, 'rectification_matrix', 3, 3).ravel()))
    rectified = _intrinsics(_projection(content, matrix))
    return Distortion(model, coefficients, rectification, rectified)


def _projection(content: dict[str, Any], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    if 'projection_matrix' not in content:
        return matrix
    projection = _matrix(content, 'projection_matrix', 3, 4)
    return projection if projection[0, 0] else matrix


def _kalibr(content: dict[str, Any]) -> Camera:
    """Read a camchain of kalibr, where it is of one camera."""
    cameras = [name for name, value in content.items() if isinstance(value, dict)]
    if len(cameras) > 1:
        raise DatasetError(
            f'a camchain of kalibr with {", ".join(cameras)} does not say which camera is meant: '
            'give a file with one of them'
        )
    chain = content[cameras[0]]
    model, lens = chain['camera_model'], chain['distortion_model']
    if model != 'pinhole' or lens not in KALIBR_LENSES:
        raise DatasetError(
            f'{model} with {lens} of kalibr is no camera that can be used: calibrate it as '
            'pinhole with radtan or equi'
        )
    fx, fy, cx, cy = (float(value) for value in chain['intrinsics'])
    width, height = (int(value) for value in chain['resolution'])
    coefficients = tuple(float(value) for value in chain.get('distortion_coeffs', ()))
    distortion = None
    if any(coefficients) or KALIBR_LENSES[lens] == 'equidistant':
        rectified = (fx, fy, cx, cy)
        distortion = Distortion(KALIBR_LENSES[lens], coefficients, IDENTITY_ROTATION, rectified)
    return Camera(width, height, fx, fy, cx, cy, distortion)


def _intrinsics(matrix: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])


def _data(content: dict[str, Any], name: str) -> list[Any]:
    """Return the numbers of a matrix."""
    table = content[name]
    data = table.get('data') if isinstance(table, dict) else None
    if not isinstance(data, list):
        raise DatasetError(f'{name} is {str(table)[:60]}: it must have rows, cols and data')
    return data


def _matrix(content: dict[str, Any], name: str, rows: int, cols: int) -> NDArray[np.float64]:
    data = _data(content, name)
    if len(data) != rows * cols:
        raise DatasetError(f'{name} has {len(data)} values, it needs {rows * cols}')
    numbers = np.array([_number(value, name) for value in data])
    if not numbers.any() and name != 'projection_matrix':
        raise DatasetError(f'{name} has nothing but zeros: calibrate the camera')
    return numbers.reshape(rows, cols)


def _number(value: Any, name: str) -> float:
    shown = str(value)[:SHOWN]
    try:
        number = float('nan') if isinstance(value, bool) else float(str(value))
    except ValueError as error:
        raise DatasetError(f'{name} has {shown!r}, which is no number') from error
    if not np.isfinite(number):
        raise DatasetError(f'{name} has {shown}: its values must all be finite numbers')
    return number


def _pixels(content: dict[str, Any], name: str) -> int:
    value = content[name]
    number = _number(value, name) if not isinstance(value, list | dict) else 0.5
    if number != int(number):
        raise DatasetError(f'{name} is {str(value)[:SHOWN]}: it must be a whole number of pixels')
    return int(number)


def _table(rows: int, cols: int, values: Any) -> dict[str, Any]:
    return {'rows': rows, 'cols': cols, 'data': [float(value) for value in values]}
