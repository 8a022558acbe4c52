from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsd_ros.errors import CameraError
from lsd_ros.geometry.undistortion import Undistorter, largest_window
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion

BARREL = (-0.25, 0.05, 0.0, 0.0, 0.0)


def bent(rotation: tuple[float, ...] = IDENTITY_ROTATION) -> Camera:
    lens = Distortion('plumb_bob', BARREL, rotation, (300.0, 300.0, 320.0, 240.0))
    return Camera(640, 480, 300.0, 300.0, 320.0, 240.0, lens)


def test_the_window_is_the_largest_that_is_all_valid() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        valid = rng.random((9, 12)) > 0.2
        left, top, width, height = largest_window(valid)
        assert valid[top : top + height, left : left + width].all()
        boxes = [
            (bottom - up) * (right - edge)
            for up in range(9)
            for bottom in range(up + 1, 10)
            for edge in range(12)
            for right in range(edge + 1, 13)
            if valid[up:bottom, edge:right].all()
        ]
        assert width * height == max(boxes)


def test_points_land_where_the_new_camera_says() -> None:
    undistorter = Undistorter(bent())
    image = np.zeros((480, 640, 3), np.uint8)
    point = np.array([[[0.4, -0.25, 1.0]]])
    seen, _ = cv2.projectPoints(point, np.zeros(3), np.zeros(3), bent().matrix, np.array(BARREL))
    column, row = np.rint(seen.ravel()).astype(int)
    cv2.circle(image, (int(column), int(row)), 2, (255, 255, 255), -1)
    rows, columns = np.nonzero(undistorter.image(image)[..., 0] > 128)
    camera = undistorter.camera
    expected = (camera.fx * 0.4 + camera.cx, camera.fy * -0.25 + camera.cy)
    assert (columns.mean(), rows.mean()) == pytest.approx(expected, abs=1.0)


def test_depth_is_not_mixed_and_follows_the_turned_axis() -> None:
    rotation, _ = cv2.Rodrigues(np.array((0.0, 0.1, 0.0)))
    undistorter = Undistorter(bent(tuple(map(float, rotation.ravel()))))
    old_from_new = undistorter.camera_from_rectified[:3, :3]
    normal, offset = np.array((0.0, 0.0, 1.0)), 4.0  # a wall across the old axis
    depth = undistorter.depth(np.full((480, 640), offset, np.float32))
    camera = undistorter.camera
    ray = np.array([(100 - camera.cx) / camera.fx, (50 - camera.cy) / camera.fy, 1.0])
    assert depth[50, 100] == pytest.approx(offset / (normal @ old_from_new @ ray), rel=1e-5)
    step = np.where(np.arange(640) < 320, 1.0, 9.0).astype(np.float32)
    plain = Undistorter(bent()).depth(np.tile(step, (480, 1)))
    assert set(np.unique(plain)) == {1.0, 9.0}


def test_a_camera_without_distortion_is_refused() -> None:
    with pytest.raises(CameraError, match='has no distortion'):
        Undistorter(Camera(64, 48, 50.0, 50.0, 31.5, 23.5))
