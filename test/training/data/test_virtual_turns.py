from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.training.data.virtual_turns import turned_neighbours

WIDTH, HEIGHT = 160, 64
K = np.array(((90, 0, 79.5), (0, 95, 31.5), (0, 0, 1)), np.float32)
POINT = np.array((0.3, -0.2, 4.0, 1.0))


def seen(motion: NDArray[np.floating]) -> NDArray[np.float64]:
    point = K @ (motion @ POINT)[:3]
    return np.asarray(point[:2] / point[2])


def picture(motion: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Draw POINT as a bright spot."""
    column, row = seen(motion)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.circle(image, (round(column * 16), round(row * 16)), 40, (255,) * 3, -1, shift=4)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8)


def centre(image: NDArray[np.uint8]) -> tuple[float, float]:
    found = cv2.moments(image[..., 0])
    return found['m10'] / found['m00'], found['m01'] / found['m00']


@pytest.mark.parametrize('seed', range(8))
def test_the_turned_motion_leads_to_where_the_turned_image_shows_a_point(seed: int) -> None:
    motions = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    motions[0, :3, 3], motions[1, :3, 3] = (0.05, 0.0, -0.4), (0.0, 0.1, 0.4)
    frames = [picture(motions[0]), picture(np.eye(4)), picture(motions[1])]
    rng = np.random.default_rng(seed)
    turned, moved = turned_neighbours(rng, frames, motions, K, 3.0)
    np.testing.assert_array_equal(turned[1], frames[1])
    for frame, motion in ((turned[0], moved[0]), (turned[2], moved[1])):
        np.testing.assert_allclose(centre(frame), seen(motion), atol=0.15)
        np.testing.assert_allclose(motion[:3, :3] @ motion[:3, :3].T, np.eye(3), atol=1e-5)


def test_most_snippets_turn_one_way_on_a_bend_and_some_do_not_turn() -> None:
    motions = np.tile(np.eye(4, dtype=np.float32), (2, 1, 1))
    frames = [picture(np.eye(4))] * 3
    yaws = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        moved = turned_neighbours(rng, frames, motions, K, 3.0)[1]
        yaws.append(np.degrees(np.arctan2(moved[:, 0, 2], moved[:, 2, 2])))
    before, after = np.transpose(yaws)
    assert 0.2 < np.mean(after == 0) < 0.4
    assert np.corrcoef(before, -after)[0, 1] > 0.98
    assert np.std(after[after != 0]) == pytest.approx(3.0, rel=0.2)
