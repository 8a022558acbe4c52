"""The noise of a pose network, fitted on some drives and held to others."""

import numpy as np
import odometry_drives as drives
import pytest
from odometry_drives import Drive, lasting

from lsd_ros.errors import FrameError
from lsd_ros.inference.odometry.calibration import (
    JudgedSteps,
    fitted_noise,
    nees_of_poses,
    nees_of_steps,
)
from lsd_ros.inference.odometry.noise import visual_memories_s

TRUE = lasting(0.08, 0.02, 2e-3, 1e-3, (0.1, 0.3, 0.13), 0.8)


def judged(kind, world, seed, noise=TRUE, count=200, factor=1.0):
    drive = Drive(drives.true_poses(kind, world, count), noise, seed)
    numbers = range(1, count)
    found = np.stack([drive.visual(number) for number in numbers])
    true = np.stack([drive.true_step(number) for number in numbers])
    for steps in (found, true):
        steps[:, :3, 3] *= factor
    return JudgedSteps(found, true, np.full(count - 1, 0.1), factor)


@pytest.fixture(scope='module')
def fitted():
    return fitted_noise([judged(('room', 'street')[seed % 2], 0, 50 + seed) for seed in range(10)])


def test_the_fit_finds_the_noise_that_was_added(fitted):
    assert fitted.along == pytest.approx(TRUE.along, rel=0.2)
    assert fitted.across == pytest.approx(TRUE.across, rel=0.2)
    assert fitted.along_floor < 3 * TRUE.along_floor
    assert fitted.across_floor < 3 * TRUE.across_floor
    np.testing.assert_allclose(fitted.rotation_deg, TRUE.rotation_deg, rtol=0.2)
    found, true = (visual_memories_s(noise)[2:] for noise in (fitted, TRUE))
    np.testing.assert_allclose(found, true, rtol=0.5)


def test_what_was_fitted_holds_on_other_drives(fitted):
    others = [judged(('corridor', 'street')[seed % 2], 3, 100 + seed) for seed in range(10)]
    assert 0.85 < np.mean([nees_of_steps(steps, fitted) for steps in others]) < 1.15
    assert 0.7 < np.mean([nees_of_poses(steps, fitted) for steps in others]) < 1.4
    # the check can fail: half the noise is four times the squared error
    halved = lasting(0.04, 0.01, 1e-3, 5e-4, (0.05, 0.15, 0.065), 0.8)
    assert nees_of_steps(others[0], halved) > 2.5


def test_independent_errors_have_no_memory():
    white = lasting(0.08, 0.02, 1e-3, 1e-3, (0.1, 0.3, 0.13), 0.0)
    fitted = fitted_noise([judged('room', 0, seed, white) for seed in range(3)])
    assert visual_memories_s(fitted).max() < 0.1


def test_floors_are_in_the_unit_of_the_network():
    still = lasting(0.01, 0.01, 0.05, 0.05, (0.1, 0.1, 0.1), 0.0)
    plain = fitted_noise([judged('room', 0, 1, still)])
    scaled = fitted_noise([judged('room', 0, 1, still, factor=5.0)])
    assert scaled.along_floor == pytest.approx(plain.along_floor, rel=1e-3)
    assert scaled.along == pytest.approx(plain.along, rel=1e-3)


def test_perfect_motions_are_never_perfectly_sure():
    steps = judged('room', 0, 0)
    exact = JudgedSteps(steps.true, steps.true, steps.seconds, 1.0)
    assert np.isfinite(nees_of_poses(exact, fitted_noise([exact])))


def test_too_few_motions_are_refused():
    with pytest.raises(FrameError, match='at least 20'):
        judged('room', 0, 0, count=10)
    with pytest.raises(FrameError, match='no known motions'):
        fitted_noise([])
