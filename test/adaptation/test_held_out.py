"""Figures that need no true depth, of a drive whose depth and motions are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lsd_ros.adaptation.held_out import depth_consistency, epipolar_distance
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

CAMERA = Camera(416, 208, 260.0, 260.0, 207.5, 103.5)


@pytest.fixture(scope='module')
def drive():
    return list(SyntheticDrive('street', 5, CAMERA, 4, start_s=2.5))


def test_the_true_motion_leaves_no_epipolar_distance(drive):
    first, second = drive[0], drive[2]
    step = np.linalg.inv(second.world_from_camera) @ first.world_from_camera
    images = first.frame.image, second.frame.image
    right = epipolar_distance(step, *images, CAMERA)
    turned = step.copy()
    turned[:3, :3] = cv2.Rodrigues(np.array([0.02, 0, 0.02]))[0] @ step[:3, :3]
    wrong = epipolar_distance(turned, *images, CAMERA)
    assert right < 0.3
    assert wrong > 10 * right
    assert epipolar_distance(np.eye(4), *images, CAMERA) is None


def test_true_depth_agrees_from_image_to_image_and_a_wrong_scale_does_not(tmp_path):
    write_sequence(tmp_path / 'room', SyntheticDrive('room', 3, CAMERA, 8, start_s=2.5))
    sequence = FolderSequence(tmp_path / 'room')
    maps = {index: sequence.depth(index) for index in range(len(sequence))}
    (right,) = depth_consistency(sequence, 7, maps, maps[7], 3.0)
    wrong_maps = {index: depth * (1.3 if index == 7 else 1) for index, depth in maps.items()}
    (wrong,) = depth_consistency(sequence, 7, wrong_maps, maps[7], 3.0)
    assert right < 0.02
    assert wrong == pytest.approx(0.3 / 2.3, rel=0.2)
    assert depth_consistency(sequence, 7, {7: maps[7]}, maps[7], 3.0) == []
