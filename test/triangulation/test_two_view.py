"""Whether the motion of a chain is what two images say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsd_ros.triangulation.two_view import is_bent

MATRIX = np.array(((400.0, 0, 320), (0, 400, 96), (0, 0, 1)))


def motion(turn_deg: float, way: tuple[float, float, float]) -> np.ndarray:
    made = np.eye(4)
    made[:3, :3] = cv2.Rodrigues(np.array((0, np.radians(turn_deg), 0)))[0]
    made[:3, 3] = way
    return made


def seen(second_from_first: np.ndarray, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Return points of a street in both images, off by a third of a pixel."""
    rng = np.random.default_rng(0)
    points = np.c_[
        rng.uniform(-8, 8, count), rng.uniform(-3, 1.6, count), rng.uniform(6, 30, count)
    ]
    moved = points @ second_from_first[:3, :3].T + second_from_first[:3, 3]
    first, second = ((p @ MATRIX.T)[:, :2] / p[:, 2:] for p in (points, moved))
    return first, second + rng.normal(0, 0.3, second.shape)


@pytest.mark.parametrize('turn_deg', [0.0, 4.0])
def test_the_true_motion_is_not_bent_in_any_unit(turn_deg):
    true = motion(turn_deg, (0.02, 0.0, -1.5))
    longer = true.copy()
    longer[:3, 3] *= 7
    assert not is_bent(*seen(true), MATRIX, true)
    assert not is_bent(*seen(true), MATRIX, longer)


def test_another_turn_is_bent():
    true = motion(0.3, (0.02, 0.0, -1.5))
    assert is_bent(*seen(true), MATRIX, motion(3.3, (1.2, -0.2, -0.9)))


def test_few_points_say_nothing():
    true = motion(0.3, (0.02, 0.0, -1.5))
    assert not is_bent(*seen(true, 20), MATRIX, motion(9.0, (1.0, 0.0, 0.0)))
