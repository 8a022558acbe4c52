"""What an evaluation says of the errors of weights, written into their card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.evaluation.uncertainty import UncertaintyErrors, summarise_uncertainty
from lsd_ros.inference.odometry.calibration import FEWEST_STEPS, JudgedSteps, fitted_noise
from lsd_ros.models.checkpoint import change_card, load_weights
from lsd_ros.types import MotionNoise


def check_can_be_calibrated(weights: str) -> None:
    """
    Check that there is a file to write into.

    :param weights: path that was asked for; empty: none
    :raises SettingError: there is none
    """
    if not Path(weights or 'no file').is_file():
        raise SettingError(
            f'--write-calibration writes into a weights file, and --weights is {weights!r}: give '
            'it the path of one'
        )


def write_calibration(
    weights: str, claims: Sequence[UncertaintyErrors], known: Sequence[JudgedSteps]
) -> list[str]:
    """
    Make what weights claim about their errors fit these frames and these motions.

    One claimed standard deviation of depth is to cover 68.27 % of the errors, and the noise of
    motion is to make the errors of motions, and of their sums, most likely.

    :param claims: of depth, as the weights say them now; empty: they say none
    :param known: motions with their truth
    :return: what was done, for people
    :raises DatasetError: there is nothing to calibrate
    """
    before = load_weights(weights).card
    changes: dict[str, Any] = {}
    told = []
    if claims:
        factor = before.uncertainty_factor * summarise_uncertainty(claims).factor
        changes['uncertainty_factor'] = factor
        told.append(
            f'uncertainty_factor {factor:.3f} is written into {weights} (it was '
            f'{before.uncertainty_factor:.3f}), fitted on {len(claims)} images: measure the '
            'coverage on others'
        )
    if known:
        noise = changes['motion_noise'] = fitted_noise(known)
        told.append(
            f'motion_noise is written into {weights} ({described(noise)}), fitted on '
            f'{sum(len(steps.found) for steps in known)} motions: check it on others'
        )
    if not changes:
        raise DatasetError(
            'there is nothing to calibrate: the uncertainty needs true depth, and weights that '
            'know it (train with network.uncertainty true); the noise of motion needs at least '
            f'{FEWEST_STEPS} motions between true poses'
        )
    change_card(weights, **changes)
    return told


def described(noise: MotionNoise) -> str:
    """Say how wrong motions are, for people."""
    turns = ' '.join(f'{degrees:.3f}' for degrees in noise.rotation_deg)
    memories = ' '.join(f'{seconds:.2f}' for seconds in noise.rotation_memory_s)
    return (
        f'along {noise.along:.1%} + {noise.along_floor:.2g} units, across {noise.across:.1%} + '
        f'{noise.across_floor:.2g} units, lasting {noise.translation_memory_s:.2f} s; rotation '
        f'{turns} deg about x y z, lasting {memories} s'
    )
