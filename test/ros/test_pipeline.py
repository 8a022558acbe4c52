"""From a received message to what goes out, with everything around it replaced by what is seen."""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.messages import encode
from lsd_ros.publication.judging import Demand
from lsd_ros.ros.calibration import Calibration
from lsd_ros.ros.inputs import Received
from lsd_ros.ros.message_classes import RclpyTypes
from lsd_ros.ros.parameters import NodeSettings, Settings
from lsd_ros.ros.pipeline import Pipeline
from lsd_ros.ros.statistics import Outcome
from lsd_ros.safety.faults import Fault
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.safety.supervisor import State
from lsd_ros.types import Camera, Estimate, Scale

CAMERA = Camera(8, 6, 5.0, 5.0, 3.5, 2.5)
STEP_NS = 50_000_000
RNG = np.random.default_rng(0)


class Robot:
    """A pipeline whose engine is ours, and what it publishes."""

    def __init__(self, **safety):
        self.published = []
        self.lost_ns = []
        self.scale = Scale(1.0, True, 'fixed')
        self.delay_s = 0.0
        self.heard = True
        self.now_ns = 10**9
        self.types = RclpyTypes()
        settings = Settings(NodeSettings(safety=SafetySettings(**safety)), EngineSettings())
        calibration = Calibration('/camera_info')
        calibration.offer(encode.camera_info(self.types, CAMERA, 1, 'camera'))
        self.pipeline = Pipeline(
            SimpleNamespace(process=self.process, reduction=lambda *_: 1),
            calibration,
            SimpleNamespace(
                demand=lambda _: Demand(self.heard, self.heard),
                publish=self.publish,
                publish_lost=self.lost_ns.append,
                duplicates=lambda: [],
            ),
            SimpleNamespace(mount=lambda *_: None),
            lambda: settings,
            lambda: self.now_ns,
            '/image',
        )

    def process(self, frame, *, inspect, **_):
        inspect(frame.image)
        time.sleep(self.delay_s)
        disparity = RNG.uniform(0.1, 0.9, (6, 8)).astype(np.float32)
        return Estimate(
            frame.stamp_ns,
            frame.frame_id,
            self.scale,
            camera=frame.camera,
            depth=1 / disparity,
            disparity=disparity,
            image=frame.image,
        )

    def publish(self, judgement, _):
        said = (judgement.estimate.stamp_ns, judgement.obstacles, judgement.lost)
        self.published.append(said)

    def see(self, image=None, step_ns=STEP_NS):
        self.now_ns += step_ns
        rgb = RNG.integers(0, 256, (6, 8, 3), np.uint8) if image is None else image
        message = encode.raw_image(self.types, rgb, self.now_ns, 'camera')
        self.pipeline.handle(Received(message, time.monotonic()))

    @property
    def spoken(self):
        return [obstacles for _, obstacles, _ in self.published]

    def counts(self):
        return self.pipeline.statistics.report(received=0, dropped=0).counts


def test_bug_in_one_image_is_logged_with_its_traceback_and_the_node_lives(caplog):
    robot = Robot(recovery_frames=1)
    good = robot.scale
    robot.scale = None  # which no estimate can have
    with caplog.at_level(logging.ERROR):
        robot.see()
        robot.see()
    assert robot.counts()[Outcome.FAILED] == 2
    assert caplog.records[0].exc_info is not None
    verdict = robot.pipeline.verdict()
    assert [finding.fault for finding in verdict.findings] == [Fault.INTERNAL]
    assert verdict.problems[0].startswith('AttributeError: ')
    robot.scale = good
    robot.see()
    assert robot.spoken[-1]
    assert robot.pipeline.verdict().problems == ()


def test_faulty_image_reaches_no_network_and_its_odometry_is_lost():
    robot = Robot(recovery_frames=2)
    robot.see()
    robot.see(np.zeros((6, 8, 3), np.uint8))
    assert robot.lost_ns == [robot.now_ns]
    assert robot.spoken == [True]
    robot.see()
    robot.see()
    assert [(obstacles, lost) for _, obstacles, lost in robot.published] == [
        (True, False),
        (False, True),
        (True, False),
    ]
    assert robot.counts()[Outcome.REFUSED] == robot.counts()[Outcome.WITHHELD] == 1


def test_stamp_that_is_not_to_be_trusted_is_not_passed_on():
    robot = Robot()
    robot.see()
    robot.now_ns -= 500_000_000
    message = encode.raw_image(robot.types, np.zeros((6, 8, 3), np.uint8), robot.now_ns, 'camera')
    robot.now_ns += 500_000_007
    robot.pipeline.handle(Received(message, time.monotonic()))
    assert robot.lost_ns == [robot.now_ns]


def test_relative_depth_has_a_preview_and_no_obstacles():
    robot = Robot(recovery_frames=1)
    robot.scale = Scale(1.0, False, 'checkpoint', problem='depth is relative: do something')
    robot.see()
    assert [(obstacles, lost) for _, obstacles, lost in robot.published] == [(False, True)]
    assert robot.pipeline.verdict().problems == ('depth is relative: do something',)


def test_repeated_image_is_left_out_without_blame():
    robot = Robot(frozen_frames=3)
    image = RNG.integers(0, 256, (6, 8, 3), np.uint8)
    robot.see(image)
    robot.see(image)
    assert (len(robot.published), robot.lost_ns) == (1, [])
    assert robot.counts()[Outcome.WITHHELD] == 1
    robot.see()
    assert robot.spoken == [True, True]


def test_one_late_result_is_withheld_and_the_next_one_is_not():
    robot = Robot(max_latency_s=0.4)  # a busy machine takes its time
    robot.see()
    robot.delay_s = 0.5
    robot.see()
    robot.delay_s = 0.0
    robot.see()
    assert robot.published[1][1:] == (False, False)
    assert robot.spoken == [True, False, True]


def test_silence_of_the_camera_is_said_once_and_whenever_asked(caplog):
    robot = Robot(image_timeout_s=0.05)
    robot.see()
    robot.pipeline.watch(received=1)
    time.sleep(0.06)
    robot.now_ns += 60_000_000
    with caplog.at_level(logging.WARNING):
        robot.pipeline.watch(received=1)
        robot.pipeline.watch(received=1)
    assert robot.lost_ns == [robot.now_ns]
    assert caplog.text.count('no images on /image: publish') == 1
    assert robot.pipeline.verdict().state is State.BLIND
    assert len(robot.lost_ns) == 1  # it has just been said
    robot.pipeline.verdict()
    robot.pipeline.verdict()
    assert robot.lost_ns == [robot.now_ns] * 3


def test_disabled_node_is_not_blind():
    robot = Robot(image_timeout_s=0.05)
    robot.see(np.zeros((6, 8, 3), np.uint8))
    robot.pipeline.enable(False)
    time.sleep(0.06)
    robot.pipeline.watch(received=1)
    assert robot.pipeline.verdict().state is State.IDLE
    assert len(robot.lost_ns) == 1


def test_image_that_nobody_waits_for_is_not_judged():
    robot = Robot()
    robot.see(np.zeros((6, 8, 3), np.uint8))
    assert robot.pipeline.verdict().state is State.BLIND
    robot.heard = False
    robot.see(np.zeros((6, 8, 3), np.uint8))
    assert robot.pipeline.verdict().state is State.IDLE
    robot.heard = True
    robot.see()
    assert robot.spoken == [True]
