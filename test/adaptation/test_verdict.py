import dataclasses

from lsd_ros.adaptation.adaptation import not_better
from lsd_ros.adaptation.held_out import HeldOut

BEFORE = HeldOut(20, 0.30, 0.5, 0.4, 0.06, 0.08, 0.13, 0.1, 0.5, 1.0, 0.5, 0.1)


def test_better_weights_are_handed_out():
    assert not_better(BEFORE, dataclasses.replace(BEFORE, abs_rel=0.2), 0.02) == ''


def test_a_gain_below_the_least_one_is_none():
    verdict = not_better(BEFORE, dataclasses.replace(BEFORE, abs_rel=0.297), 0.02)
    assert '0.297 of relative difference from triangulated depth, the start has 0.300' in verdict
    assert not_better(BEFORE, dataclasses.replace(BEFORE, abs_rel=float('nan')), 0.02)


def test_weights_that_fit_the_images_worse_are_kept_back():
    after = dataclasses.replace(BEFORE, abs_rel=0.1, photometric=0.07)
    assert 'the images worse' in not_better(BEFORE, after, 0.02)
