"""
What the shipped weights say of two pictures, so that no change of the code changes it unseen.

New weights: ``python test/models/test_shipped_weights.py`` writes their answers anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lsd_ros.models.checkpoint import load_weights
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.shipped import shipped_names

ANSWERS = Path(__file__).with_name('shipped_weights.json')
WIDTH, HEIGHT = 416, 128
GRID = (13, 4)  # columns and rows of the stored answers


def pictures() -> dict[str, NDArray[np.uint8]]:
    """Draw a road between walls and a room with a box; plain shapes, the same everywhere."""
    ramp = np.linspace(60, 130, HEIGHT, dtype=np.float32)[:, None, None]
    road = np.tile(ramp, (1, WIDTH, 3)).astype(np.uint8)
    cv2.fillPoly(road, [np.array([(208, 64), (40, 127), (376, 127)])], (95, 95, 100))
    cv2.fillPoly(road, [np.array([(0, 0), (190, 58), (190, 70), (0, 120)])], (150, 90, 70))
    cv2.fillPoly(road, [np.array([(416, 0), (226, 58), (226, 70), (416, 120)])], (110, 120, 90))
    cv2.rectangle(road, (240, 66), (300, 110), (30, 40, 120), -1)
    room = np.full((HEIGHT, WIDTH, 3), (200, 190, 170), np.uint8)
    cv2.fillPoly(room, [np.array([(0, 127), (120, 80), (300, 80), (416, 127)])], (120, 90, 60))
    cv2.rectangle(room, (150, 60), (220, 112), (60, 120, 70), -1)
    cv2.line(room, (330, 20), (330, 110), (40, 40, 40), 3)
    return {'road': road, 'room': room}


def answers(name: str) -> dict[str, dict[str, list[float]]]:
    weights = load_weights(name)
    normalise = Normalise(weights.preprocessing)
    said = {}
    for label, picture in pictures().items():
        planes = normalise(torch.from_numpy(picture)[None])
        with torch.inference_mode():
            disparity = weights.depth.eval().read(planes)[0, 0].numpy()
            motions = weights.pose.eval()(planes.repeat(1, 3, 1, 1))
        small = cv2.resize(disparity, GRID, interpolation=cv2.INTER_AREA)
        said[label] = {
            'disparity': small.ravel().tolist(),
            'motions': motions.flatten().tolist(),
        }
    return said


@pytest.mark.parametrize('name', shipped_names())
def test_the_shipped_weights_say_what_they_said(name: str) -> None:
    stored = json.loads(ANSWERS.read_text())[name]
    for label, said in answers(name).items():
        for what, values in said.items():
            wanted = np.array(stored[label][what])
            tolerance = 1e-3 * np.abs(wanted).max()
            np.testing.assert_allclose(values, wanted, rtol=2e-3, atol=tolerance, err_msg=label)


if __name__ == '__main__':
    ANSWERS.write_text(json.dumps({name: answers(name) for name in shipped_names()}) + '\n')
