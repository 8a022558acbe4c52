from __future__ import annotations

import math

import numpy as np
import pytest

from lsd_ros.safety.faults import Fault
from lsd_ros.safety.mount import AGREEING, CONTRADICTING, MountCheck
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.types import Estimate, Mount, Scale, SeenGround

OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
LIMITS = SafetySettings()


def mount(rotation=OPTICAL, frame='camera_optical_frame', height=1.0, by_transforms=False):
    place = np.eye(4)
    place[:3, :3], place[2, 3] = rotation, height
    return Mount(place, 'base_link', frame, by_transforms)


def down(degrees):
    angle = math.radians(degrees)
    about_y = [
        [math.cos(angle), 0, math.sin(angle)],
        [0, 1, 0],
        [-math.sin(angle), 0, math.cos(angle)],
    ]
    return np.array(about_y) @ OPTICAL


def seen(tilt_deg=0.0, height=1.0, expected=1.0, side='below', factor=1.0):
    ground = SeenGround(math.radians(tilt_deg), side, height, expected, factor)
    return Estimate(1, 'camera', Scale(factor, True, 'fixed'), ground=ground)


NOTHING = Estimate(1, 'camera', Scale(1.0, True, 'fixed'))


def said(check, *estimates, place=None, limits=LIMITS):
    found = ()
    for estimate in estimates:
        found = check.findings(place or mount(), estimate, limits)
    return ' '.join(finding.sentence for finding in found)


@pytest.mark.parametrize(
    ('place', 'sentence'),
    [
        (
            mount(np.eye(3), 'camera_link', by_transforms=True),
            '90 deg up by the transforms from base_link to camera_link, which is how a body frame',
        ),
        (mount(down(60)), '60 deg down by mount.* from base_link to camera_optical_frame'),
        (mount(down(-50)), '50 deg up'),
        (mount(frame='front_camera_link'), 'front_camera_link, which is called like a body frame'),
    ],
)
def test_place_that_cannot_be_is_named_with_the_rotation_that_would_be_right(place, sentence):
    text = said(MountCheck(), NOTHING, place=place)
    assert sentence in text
    assert 'REP-103' in text
    assert 'roll -90, pitch 0, yaw -90 deg' in text


def test_the_rotation_in_the_remedy_is_the_one_of_rep_103():
    x, y, z, w = -0.5, 0.5, -0.5, 0.5
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    np.testing.assert_allclose(rotation, OPTICAL, atol=1e-12)
    assert 'x -0.5, y 0.5, z -0.5, w 0.5' in Fault.MOUNT_IMPLAUSIBLE.remedy


@pytest.mark.parametrize(
    ('place', 'limits'),
    [
        (mount(), LIMITS),
        (mount(down(40)), LIMITS),
        (mount(down(90)), SafetySettings(max_pitch_deg=90)),
        (mount(frame='camera_link'), SafetySettings(body_frame_names=True)),
        (mount(frame='camera_link', by_transforms=True), LIMITS),  # they vouch for it
        (mount(frame='camera_link_optical'), LIMITS),
    ],
)
def test_place_that_can_be_passes(place, limits):
    assert said(MountCheck(), NOTHING, place=place, limits=limits) == ''


def test_no_mount_is_no_fault():
    assert MountCheck().findings(None, seen(90), LIMITS) == ()


@pytest.mark.parametrize(
    ('wrong', 'sentence'),
    [
        (seen(30), 'tilted by 30 deg against'),
        (seen(90, side='right'), 'lies right of the middle'),
        (seen(180, side='above'), 'lies above of the middle'),
        (seen(height=3.0), '3.00 m below it and sits 1.00 m above it'),
        (seen(height=0.4), '0.40 m below it and sits 1.00 m'),
        (seen(height=0.4, expected=-1.0), '0.40 m below it and sits 1.00 m below it by the mount'),
    ],
)
def test_ground_elsewhere_is_a_fault_after_some_looks_and_passes_after_some(wrong, sentence):
    check = MountCheck()
    assert said(check, *[wrong] * (CONTRADICTING - 1)) == ''
    assert sentence in said(check, wrong)
    assert sentence in said(check, NOTHING)  # it stays while nothing else is seen
    assert sentence in said(check, *[seen()] * (AGREEING - 1))
    assert said(check, seen()) == ''


def test_ground_where_it_must_be_confirms_the_mount_and_a_table_is_no_fault_then():
    check = MountCheck()
    assert said(check, *[seen()] * AGREEING) == ''
    assert check.is_confirmed
    assert said(check, *[seen(height=0.4)] * 30) == ''
    assert said(check, *[seen(90, side='left')] * 30) == ''  # a wall beside it
    assert 'tilted by 40 deg' in said(check, *[seen(40)] * CONTRADICTING)


def test_wall_beside_the_camera_is_not_taken_for_the_ground():
    assert said(MountCheck(), *[seen(90, height=3.0, side='left')] * 20) == ''


def test_few_odd_looks_among_good_ones_are_nothing():
    check = MountCheck()
    assert said(check, *[seen(30), seen(30), seen()] * 10) == ''


def test_mount_or_scale_that_changes_is_judged_anew():
    check = MountCheck()
    said(check, *[seen()] * AGREEING)
    assert 'sits 1.00 m' in said(check, *[seen(height=3.0, factor=3.0)] * (CONTRADICTING + 1))
    assert 'sits 1.00 m' in said(check, NOTHING)
    assert said(check, NOTHING, place=mount(height=1.5)) == ''
    assert not check.is_confirmed


def test_height_without_metres_says_nothing():
    assert said(MountCheck(), *[seen(height=math.nan)] * 20) == ''
    assert said(MountCheck(), *[seen(height=5.0, expected=0.0)] * 20) == ''


def test_zero_switches_the_ground_off():
    off = SafetySettings(max_ground_tilt_deg=0, max_height_ratio=0)
    assert said(MountCheck(), *[seen(60, height=9.0)] * 20, limits=off) == ''
