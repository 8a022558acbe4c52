from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsd_ros.errors import MessageError
from lsd_ros.messages import quaternion

angles = st.floats(-math.pi, math.pi)
axes = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 1e-3)


@given(axis=axes, angle=angles)
@example(axis=(1.0, 0.0, 0.0), angle=math.pi)
@example(axis=(0.0, -1.0, 0.0), angle=math.pi)
@example(axis=(0.0, 0.0, 1.0), angle=-math.pi)
@example(axis=(1.0, 1.0, 1.0), angle=1e-9)
def test_the_quaternion_is_half_the_angle_about_the_axis(
    axis: tuple[float, float, float], angle: float
) -> None:
    unit = np.array(axis) / np.linalg.norm(axis)
    found = np.array(quaternion.from_rotation(cv2.Rodrigues(unit * angle)[0]))
    expected = np.array([*(unit * math.sin(angle / 2)), math.cos(angle / 2)])
    assert found[3] >= 0
    assert min(np.abs(found - expected).max(), np.abs(found + expected).max()) < 1e-7


@given(axis=axes, angle=angles)
def test_matrix_to_quaternion_and_back_is_the_same_rotation(
    axis: tuple[float, float, float], angle: float
) -> None:
    rotation = cv2.Rodrigues(np.array(axis) / np.linalg.norm(axis) * angle)[0]
    back = quaternion.to_rotation(quaternion.from_rotation(rotation))
    np.testing.assert_allclose(back, rotation, atol=1e-12)


@pytest.mark.parametrize('wrong', [(0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 2.0), (math.nan,) * 4])
def test_a_quaternion_that_is_no_rotation_is_refused(
    wrong: tuple[float, float, float, float],
) -> None:
    with pytest.raises(MessageError, match='a rotation has length 1'):
        quaternion.to_rotation(wrong)
