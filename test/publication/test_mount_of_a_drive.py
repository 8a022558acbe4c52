"""The whole way with the weights of the package: a mount that is wrong silences the obstacles."""

from __future__ import annotations

from typing import Any

import pytest

from lsd_ros import settings
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.publication.judging import Demand, Judge
from lsd_ros.publication.publication_settings import GuardedSettings
from lsd_ros.publication.recorded import RecordedGuard, RecordedJudge
from lsd_ros.safety.faults import Fault
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.types import Camera, Mount

CAMERA = Camera(416, 128, 241.0, 241.0, 207.5, 63.5)


@pytest.fixture(scope='module')
def frames() -> list[Any]:
    # two images a second: each one is looked at for its ground
    return [sample.frame for sample in SyntheticDrive('road', 0, CAMERA, 14, rate_hz=2.0)]


@pytest.mark.parametrize(
    ('mount', 'spoken'),
    [({'z_m': 1.65}, 14), ({'z_m': 1.65, 'pitch_deg': 30}, 7), ({'z_m': 5.0}, 7)],
)
def test_wrong_mount_is_noticed_by_the_ground_and_a_right_one_is_not(
    frames: list[Any], mount: dict[str, Any], spoken: int
) -> None:
    chosen = {f'mount.{name}': value for name, value in mount.items()}
    wanted = settings.build(GuardedSettings, {**chosen, 'backend': 'torch'})
    guard = RecordedGuard(wanted.safety)
    engine = Engine.load(wanted)
    judge = RecordedJudge(Judge(engine, guard), guard)
    place = Mount(base_from_optical(wanted.mount), 'base_link', 'camera_optical')
    passed = [judge.judge(frame, Demand(), lambda _: place).obstacles for frame in frames]
    assert passed == [True] * spoken + [False] * (len(frames) - spoken)
    faults = {finding.fault for finding in judge.findings}
    assert faults == ({Fault.MOUNT_IMPLAUSIBLE} if spoken < len(frames) else set())
