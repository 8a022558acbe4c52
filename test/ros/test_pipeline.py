from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from lsd_ros.inference.settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.conversions import RclpyTypes
from lsd_ros.ros.inputs import Received
from lsd_ros.ros.outputs import Demand
from lsd_ros.ros.pipeline import Pipeline
from lsd_ros.ros.repeats import WARNING_PERIOD_S, Repeats
from lsd_ros.ros.statistics import Outcome
from lsd_ros.types import Camera


def test_bug_in_one_image_is_logged_with_its_traceback_and_the_node_lives(caplog):
    def process(*_, **__):
        raise ZeroDivisionError('a bug')

    settings = EngineSettings()
    calibration = Calibration('/camera_info')
    pipeline = Pipeline(
        SimpleNamespace(process=process),
        calibration,
        SimpleNamespace(demand=lambda: Demand(depth=True, motion=True)),
        lambda: settings,
        lambda: 0,
    )
    types = RclpyTypes()
    calibration.offer(encode.camera_info(types, Camera(8, 6, 5.0, 5.0, 3.5, 2.5), 1, 'camera'))
    image = encode.raw_image(types, np.zeros((6, 8, 3), np.uint8), 1, 'camera')
    with caplog.at_level(logging.ERROR):
        pipeline.handle(Received(image, 0.0))
        pipeline.handle(Received(image, 0.0))
    report = pipeline.statistics.report(received=2, dropped=0)
    assert (report.failing, report.counts[Outcome.FAILED]) == (True, 2)
    assert report.problems == ('ZeroDivisionError: a bug',)
    assert caplog.records[0].exc_info is not None
    assert not pipeline.statistics.report(received=2, dropped=0).failing


def test_sentence_is_repeated_only_after_a_while_whatever_its_numbers():
    now = 0.0
    repeats = Repeats(lambda: now)
    assert repeats.is_due('image of 640 x 480 is refused')
    assert not repeats.is_due('image of 320 x 240 is refused')
    assert repeats.is_due('another sentence')
    now = WARNING_PERIOD_S
    assert repeats.is_due('image of 640 x 480 is refused')
