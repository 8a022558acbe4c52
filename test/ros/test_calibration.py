from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from lsd_ros.errors import CameraError
from lsd_ros.ros.calibration import Calibration


def info_of(width=64, height=48, frame_id='camera', focal=50.0):
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=frame_id),
        width=width,
        height=height,
        distortion_model='plumb_bob',
        d=[],
        k=[focal, 0.0, 32.0, 0.0, focal, 24.0, 0.0, 0.0, 1.0],
        r=[0.0] * 9,
        p=[0.0] * 12,
        binning_x=0,
        binning_y=0,
        roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    )


def test_newest_info_gives_the_camera():
    calibration = Calibration('/camera_info')
    calibration.offer(info_of(focal=50.0))
    first = calibration.camera_of('camera', 64, 48)
    calibration.offer(info_of(focal=70.0))
    second = calibration.camera_of('camera', 64, 48)
    assert (first.fx, second.fx) == (50.0, 70.0)
    assert dataclasses.replace(first, fx=70.0, fy=70.0) == second


def test_missing_info_is_named_with_its_topic():
    with pytest.raises(CameraError, match=r'no camera info on /front/camera_info yet'):
        Calibration('/front/camera_info').camera_of('camera', 64, 48)


@pytest.mark.parametrize(
    ('info', 'sentence'),
    [
        (info_of(width=32, height=24), r'is of 32 x 24 and the image of 64 x 48'),
        (info_of(frame_id='other'), r"is of frame 'other' and the image of frame 'camera'"),
        (info_of(focal=0.0), r'uncalibrated \(K\[0\] is 0\)'),
    ],
)
def test_info_that_does_not_fit_the_image_is_refused(info, sentence):
    calibration = Calibration('/camera_info')
    calibration.offer(info)
    with pytest.raises(CameraError, match=sentence):
        calibration.camera_of('camera', 64, 48)


def test_info_whose_rectification_mirrors_is_refused_until_a_better_one_comes():
    calibration, info = Calibration('/camera_info'), info_of()
    info.d, info.r = [-0.1, 0.0, 0.0, 0.0, 0.0], [1.0, 0, 0, 0, 1, 0, 0, 0, -1]
    calibration.offer(info)
    for _ in range(2):
        with pytest.raises(CameraError, match=r'R \(1, 0, .*, -1\) is no rotation'):
            calibration.camera_of('camera', 64, 48)
    calibration.offer(info_of())
    assert calibration.camera_of('camera', 64, 48).distortion is None
