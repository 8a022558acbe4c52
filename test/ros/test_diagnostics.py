from __future__ import annotations

import dataclasses
import math

import pytest

pytest.importorskip('torch')

from lsd_ros.inference.engine_info import EngineInfo
from lsd_ros.ros.diagnostics import Level, NodeState, status
from lsd_ros.ros.statistics import Outcome, Statistics
from lsd_ros.safety.faults import Fault
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.safety.supervisor import Supervisor
from lsd_ros.types import Scale

ENGINE = EngineInfo(
    weights='depth.safetensors',
    name='depth',
    trained=True,
    metric=True,
    licence='',
    backend='torch',
    device='cpu',
    network_size=(96, 64),
    uncertainty=False,
)
METRIC = Scale(2.0, True, 'odometry', deviation=0.034)


def judged(*findings):
    supervisor = Supervisor(SafetySettings())
    supervisor.judge(findings)
    return supervisor.verdict()


def seen(**changes):
    usual = NodeState(engine=ENGINE, enabled=True, verdict=judged(), mount_source='transforms')
    return dataclasses.replace(usual, **changes)


def report(scale=METRIC, age_s=0.04):
    now_ns = iter((1, 1, 10**9, 10**9))
    statistics = Statistics(lambda: next(now_ns))
    statistics.estimated(Outcome.PUBLISHED, 0.02, age_s, {}, scale)
    return statistics.report(received=1, dropped=0)


def test_good_frame_is_all_right():
    said = status(report(), seen())
    assert (said.level, said.message, said.values['state']) == (Level.OK, 'running', 'seeing')


def test_blindness_is_said_with_every_fault_and_its_remedy():
    findings = Fault.DARK.found('the image is dark'), Fault.STAMP_OLD.found()
    said = status(report(), seen(verdict=judged(*findings)))
    assert said.level == Level.ERROR
    assert said.message.startswith('the image is dark: uncover the lens')
    assert Fault.STAMP_OLD.remedy in said.message
    assert (said.values['state'], said.values['state.faults']) == ('blind', 'dark stamp_old')
    assert (said.values['faults.dark'], said.values['faults.stamp_old']) == ('1', '1')


def test_only_a_node_that_nobody_listens_to_is_idle():
    assert status(report(), seen(heard=False)).message == 'idle: nobody subscribes to any result'
    now_ns = iter((1, 1, 10**9, 10**9))
    nothing_lately = Statistics(lambda: next(now_ns)).report(received=0, dropped=0)
    assert nothing_lately.rate_hz == 0
    assert status(nothing_lately, seen(heard=True)).message == 'running'


def test_scale_is_said_with_its_deviation_and_why_it_is_not_metric():
    said = status(report(), seen())
    assert (said.values['scale.deviation'], said.values['scale.problem']) == ('0.034', '')
    problem = 'the robot has not moved far enough: drive on'
    said = status(report(Scale(1.0, False, 'odometry', math.inf, problem)), seen())
    assert (said.level, said.message) == (Level.WARN, problem)
    assert (said.values['scale.deviation'], said.values['scale.problem']) == ('inf', problem)


def test_sentence_that_two_say_is_said_once():
    said = status(report(), seen(warnings=['a', 'b', 'a']))
    assert said.message == 'a; b'


def test_age_is_a_time_only_by_the_clock_that_stamps_the_images():
    values = status(report(age_s=0.04), seen()).values
    assert (values['age.p50_ms'], values['age.p99_ms']) == ('40.00', '40.00')
    values = status(report(age_s=1.7e9), seen()).values
    assert values['age'] == 'unknown: the stamps are of another clock, 472222 h behind'
    assert not [name for name in values if name.startswith('age.')]
