import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsd_ros.safety.faults import Fault
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.safety.stamps import StampCheck

SETTINGS = SafetySettings(max_jump_s=1.0, max_age_s=1.0)
S = 1_000_000_000
NOW = 1_700_000_000 * S


def faults(check, stamp_s, arrived_s=None, now_s=None, settings=SETTINGS):
    """Take an image; unless said otherwise it arrives, and is handled, when it is taken."""
    arrived_s = stamp_s if arrived_s is None else arrived_s
    now_s = stamp_s if now_s is None else now_s
    stamps = (NOW + round(s * S) for s in (stamp_s, now_s))
    stamp_ns, now_ns = stamps
    return [f.fault for f in check.findings(stamp_ns, arrived_s, now_ns, settings)]


@given(st.lists(st.floats(1e-3, 100), max_size=30), st.floats(0, 0.9))
def test_stamps_that_go_forwards_with_the_clock_are_good(steps, delay):
    check, now = StampCheck(), 10.0
    for step in [0.0, *steps]:
        now += step
        assert faults(check, now - delay, now, now) == []


@pytest.mark.parametrize(
    ('step', 'arrives_after', 'fault'),
    [
        (-0.1, 0.1, Fault.STAMP_BACKWARDS),
        (0.0, 0.1, Fault.STAMP_REPEATED),
        (1.3, 0.1, Fault.STAMP_JUMP),
    ],
)
def test_step_that_cannot_be_is_one_fault_and_the_next_image_is_good(step, arrives_after, fault):
    check, off = StampCheck(), SafetySettings(max_age_s=0)
    assert faults(check, 5.0, 5.0, settings=off) == []
    assert faults(check, 5 + step, 5 + arrives_after, settings=off) == [fault]
    assert faults(check, 5.1 + step, 5.1 + arrives_after, settings=off) == []


def test_pause_of_the_camera_is_no_jump():
    check = StampCheck()
    faults(check, 0.0)
    assert faults(check, 60.0, 60.0) == []


def test_images_that_catch_up_after_a_jam_are_no_jump():
    check, off = StampCheck(), SafetySettings(max_age_s=0)
    arrivals = [0.1, 0.2, 3.2, 3.21, 3.22, 3.23, 3.3]
    stamps = [0.1, 0.2, 0.3, 1.5, 2.5, 3.2, 3.3]
    seen = [faults(check, *each, settings=off) for each in zip(stamps, arrivals, strict=True)]
    assert seen == [[]] * 7
    assert faults(check, 5.0, 3.4, settings=off) == [Fault.STAMP_JUMP]


def test_pause_of_a_bag_and_a_bag_played_faster_are_no_jump():
    check, off = StampCheck(), SafetySettings(max_age_s=0)
    assert faults(check, 0.0, 0.0, settings=off) == []
    assert faults(check, 0.1, 60.0, settings=off) == []
    assert [faults(check, 0.1 + i, 60 + i / 10, settings=off) for i in range(1, 9)] == [[]] * 8


@pytest.mark.parametrize(
    ('age', 'expected'),
    [(0.9, []), (1.1, [Fault.STAMP_OLD]), (-0.9, []), (-1.1, [Fault.STAMP_FUTURE])],
)
def test_age_is_judged_by_the_clock_of_the_node(age, expected):
    check = StampCheck()
    assert faults(check, 100.0, now_s=100 + age) == expected
    assert check.warning is None


@pytest.mark.parametrize('hours', [2, 24 * 365])
def test_stamps_of_a_clock_long_ago_are_usable_and_said_to_be_so(hours):
    check = StampCheck()
    assert faults(check, 0.0, now_s=hours * 3600) == []
    assert f'{hours} hours behind the clock of the node' in check.warning
    assert 'use_sim_time' in check.warning
    assert check.camera_time_ns(NOW + (hours * 3600 + 5) * S) == NOW + 5 * S
    assert faults(check, 1.0) == []
    assert check.warning is None


@pytest.mark.parametrize('hours', [1.1, 2, 24 * 365])
def test_stamps_hours_ahead_are_from_the_future_and_pass_only_where_ages_are_not_judged(hours):
    check = StampCheck()
    (finding,) = check.findings(NOW + int(hours * 3600 * S), 0.0, NOW, SETTINGS)
    assert finding.fault is Fault.STAMP_FUTURE
    assert f'{hours:.1f} hours from the future' in finding.sentence
    assert check.warning is None
    assert check.camera_time_ns(NOW) == NOW  # nobody hears of tomorrow
    unjudged = SafetySettings(max_age_s=0)
    assert StampCheck().findings(NOW + int(hours * 3600 * S), 0.0, NOW, unjudged) == ()


def test_simulated_time_that_has_not_begun_judges_nothing():
    check = StampCheck()
    assert check.findings(NOW, 0.0, 0, SETTINGS) == ()
    assert check.warning is None


@given(st.lists(st.tuples(st.integers(-(10**18), 2 * 10**18), st.floats(0, 1e6)), max_size=20))
def test_whatever_came_before_two_good_stamps_suffice(images):
    check = StampCheck()
    for stamp_ns, arrived_s in images:
        check.findings(stamp_ns, arrived_s, NOW, SETTINGS)
    faults(check, 1e6 + 1.0)
    assert faults(check, 1e6 + 1.1) == []


def test_a_negative_stamp_is_named_and_moves_no_clock():
    check = StampCheck()
    now_ns = 1_700_000_000_000_000_000
    found = check.findings(-5_000_000_000, 0.0, now_ns, SafetySettings())
    assert [finding.fault for finding in found] == [Fault.STAMP_OLD]
    assert 'negative, -5.000 s' in found[0].sentence
    assert check.camera_time_ns(now_ns) == now_ns
    assert check.findings(now_ns, 0.1, now_ns, SafetySettings()) == ()
