import numpy as np
import pytest

from lsd_ros.errors import (
    BackendError,
    CameraError,
    CameraMismatchError,
    DeviceMemoryError,
    LsdError,
    MessageError,
    MissingCameraInfoError,
    NotFiniteError,
)
from lsd_ros.safety.faults import Fault, UnfitError, findings_of
from lsd_ros.safety.latency import SLOW_FRAMES, LatencyCheck, stuck_findings
from lsd_ros.safety.network_output import NetworkOutputCheck
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Camera, Estimate, Scale

CAMERA = Camera(8, 6, 5.0, 5.0, 3.5, 2.5)
METRIC = Scale(1.0, True, 'fixed')
RNG = np.random.default_rng(0)


def estimate(disparity=None, depth=None, image=None, scale=METRIC):
    disparity = RNG.uniform(0.1, 0.9, (6, 8)) if disparity is None else disparity
    disparity = np.asarray(disparity, np.float32)
    return Estimate(
        1,
        'camera',
        scale,
        camera=CAMERA,
        depth=np.asarray(1 / disparity if depth is None else depth, np.float32),
        disparity=disparity,
        image=RNG.integers(0, 256, (6, 8, 3), np.uint8) if image is None else image,
    )


def faults(check, *args, **kwargs):
    return [finding.fault for finding in check.findings(estimate(*args, **kwargs))]


def test_depth_that_says_something_is_good():
    check = NetworkOutputCheck()
    assert [faults(check) for _ in range(3)] == [[]] * 3


def test_depth_may_lack_almost_everywhere_but_not_everywhere():
    depth = np.full((6, 8), np.inf)
    depth[0, 0] = 3.0
    assert faults(NetworkOutputCheck(), depth=depth) == []
    for nothing in (np.inf, -np.inf, np.nan):
        assert faults(NetworkOutputCheck(), depth=np.full((6, 8), nothing)) == [Fault.DEGENERATE]


@pytest.mark.parametrize(
    ('disparity', 'fault'),
    [
        (np.full((6, 8), 0.3), Fault.DEGENERATE),
        (np.ones((6, 8)), Fault.DEGENERATE),
        (np.where(np.eye(6, 8), np.nan, 0.5), Fault.NOT_FINITE),
    ],
)
def test_constant_or_broken_output_is_a_fault(disparity, fault):
    assert faults(NetworkOutputCheck(), disparity, depth=np.ones((6, 8))) == [fault]


def test_same_depth_for_another_image_is_old_depth():
    check, disparity = NetworkOutputCheck(), RNG.uniform(0.1, 0.9, (6, 8))
    image = np.zeros((6, 8, 3), np.uint8)
    assert faults(check, disparity, image=image) == []
    assert faults(check, disparity, image=image) == []
    assert faults(check, disparity, image=image + 1) == [Fault.DEGENERATE]
    assert faults(check) == []


def test_scale_that_is_not_metric_is_a_fault_with_the_reason_of_its_source():
    relative = Scale(1.0, False, 'camera_height', problem='no ground is seen: look down')
    (finding,) = NetworkOutputCheck().findings(estimate(scale=relative))
    assert (finding.fault, finding.sentence) == (Fault.SCALE_UNKNOWN, relative.problem)
    assert faults(NetworkOutputCheck(), scale=Scale(1.0, False, 'checkpoint')) == [
        Fault.SCALE_UNKNOWN
    ]


def test_late_result_is_withheld_and_a_fault_only_when_it_is_the_rule():
    pace, settings = LatencyCheck(), SafetySettings(max_latency_s=0.2)
    seen = []
    for latency_s in [0.3, 0.1, *[0.3] * SLOW_FRAMES, 0.1]:
        late = pace.is_late(latency_s, settings)
        seen.append((late, len(pace.findings(latency_s, settings))))
    held = [(True, 0)] * (SLOW_FRAMES - 1)
    assert seen == [(True, 0), (False, 0), *held, (True, 1), (False, 0)]


def test_image_that_is_never_done_is_a_fault():
    settings = SafetySettings(max_latency_s=0.2)
    assert stuck_findings(0.0, settings) == ()
    assert stuck_findings(0.59, settings) == ()
    (finding,) = stuck_findings(0.7, settings)
    assert finding.fault == Fault.TOO_SLOW
    assert '0.7 s and is not done, 0.2 s are allowed' in finding.sentence


@pytest.mark.parametrize(
    ('error', 'fault'),
    [
        (MissingCameraInfoError, Fault.NO_CAMERA_INFO),
        (CameraMismatchError, Fault.CAMERA_MISMATCH),
        (CameraError, Fault.UNCALIBRATED),
        (MessageError, Fault.UNREADABLE),
        (NotFiniteError, Fault.NOT_FINITE),
        (DeviceMemoryError, Fault.OUT_OF_MEMORY),
        (BackendError, Fault.BACKEND_FAILED),
        (LsdError, Fault.REFUSED),
    ],
)
def test_every_known_error_is_a_fault_with_its_own_sentence(error, fault):
    (finding,) = findings_of(error('this is wrong: do that'))
    assert (finding.fault, finding.sentence) == (fault, 'this is wrong: do that')


def test_bug_is_a_fault_and_what_is_unfit_brings_its_own():
    (finding,) = findings_of(ZeroDivisionError('a bug'))
    assert finding.fault == Fault.INTERNAL
    assert finding.sentence.startswith('ZeroDivisionError: a bug')
    found = (Fault.DARK.found(), Fault.BLURRED.found('it is blurred'))
    assert findings_of(UnfitError(found)) == found
