"""The ROS camera calibration file (camera_calibration_parsers), read and written."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion


def read_camera(path: str | Path) -> Camera:
    """
    Read a ROS camera calibration file.

    :raises DatasetError: the file is missing, unreadable or no calibration file
    :raises CameraError: it describes an uncalibrated or impossible camera
    """
    try:
        content = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise DatasetError(f'cannot read the calibration {path}: {error.strerror}') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DatasetError(f'{path} is not YAML: {" ".join(str(error).split())}') from error
    try:
        return _camera(content)
    except CameraError as error:
        raise CameraError(f'{path}: {error}') from error
    except KeyError as error:
        raise DatasetError(
            f'{path} is no ROS camera calibration: {error.args[0]!r} is missing'
        ) from error
    except (TypeError, ValueError) as error:
        raise DatasetError(f'{path} is no ROS camera calibration: {error}') from error


def write_camera(path: str | Path, camera: Camera, name: str = 'camera') -> None:
    """
    Write a ROS camera calibration file.

    :param name: of the camera
    :raises DatasetError: the file cannot be written
    """
    distortion = camera.distortion or Distortion(
        'plumb_bob', (0.0,) * 5, IDENTITY_ROTATION, (camera.fx, camera.fy, camera.cx, camera.cy)
    )
    fx, fy, cx, cy = distortion.rectified
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
    try:
        Path(path).write_text(yaml.safe_dump(content, sort_keys=False, width=200))
    except OSError as error:
        raise DatasetError(f'cannot write the calibration {path}: {error.strerror}') from error


def describe_camera(camera: Camera | None) -> dict[str, Any] | None:
    """Return a camera as JSON would have it."""
    if camera is None:
        return None
    result = dataclasses.asdict(camera)
    if camera.distortion is not None:
        result['distortion'] = camera.distortion.model
    return result


def _camera(content: Any) -> Camera:
    if not isinstance(content, dict):
        raise TypeError(f'it holds {type(content).__name__}, not a mapping')
    matrix = _matrix(content, 'camera_matrix', 3, 3)
    distortion = _distortion(content, matrix)
    fx, fy, cx, cy = _intrinsics(matrix)
    width, height = int(content['image_width']), int(content['image_height'])
    return Camera(width, height, fx, fy, cx, cy, distortion)


def _distortion(content: dict[str, Any], matrix: NDArray[np.float64]) -> Distortion | None:
    data = content.get('distortion_coefficients', {}).get('data', [])
    coefficients = tuple(float(value) for value in data)
    model = content.get('distortion_model', 'plumb_bob')
    # zeros bend nothing, except for a fisheye: equidistant with zeros is still r = f theta
    if not any(coefficients) and not (coefficients and model == 'equidistant'):
        return None
    rectification: tuple[float, ...] = IDENTITY_ROTATION
    rectified = matrix
    if 'rectification_matrix' in content:
        rectification = tuple(map(float, _matrix(content, 'rectification_matrix', 3, 3).ravel()))
    if 'projection_matrix' in content:
        rectified = _matrix(content, 'projection_matrix', 3, 4)
    return Distortion(model, coefficients, rectification, _intrinsics(rectified))


def _intrinsics(matrix: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return float(matrix[0, 0]), float(matrix[1, 1]), float(matrix[0, 2]), float(matrix[1, 2])


def _matrix(content: dict[str, Any], name: str, rows: int, cols: int) -> NDArray[np.float64]:
    data = np.asarray(content[name]['data'], np.float64)
    if data.size != rows * cols:
        raise ValueError(f'{name} has {data.size} values, it needs {rows * cols}')
    return data.reshape(rows, cols)


def _table(rows: int, cols: int, values: Any) -> dict[str, Any]:
    return {'rows': rows, 'cols': cols, 'data': [float(value) for value in values]}
