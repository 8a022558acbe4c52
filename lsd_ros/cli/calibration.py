"""What an evaluation says of the errors of weights, written into their card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsd_ros.errors import DatasetError, SettingError
from lsd_ros.evaluation.uncertainty import UncertaintyErrors, summarise_uncertainty
from lsd_ros.inference.engine import EngineInfo
from lsd_ros.models.checkpoint import change_card, load_weights


def check_can_be_calibrated(weights: str, info: EngineInfo) -> None:
    """
    Check that there is a file to write into, and something to write.

    :param weights: path that was asked for; empty: none
    :raises SettingError: there is not
    """
    if not Path(weights or 'no file').is_file():
        raise SettingError(
            f'--write-calibration writes into a weights file, and --weights is {weights!r}: give '
            'it the path of one'
        )
    if not info.uncertainty:
        raise SettingError(
            f'weights {weights} know no uncertainty that could be calibrated: train with '
            'network.uncertainty true, or leave --write-calibration out'
        )


def write_calibration(weights: str, claims: Sequence[UncertaintyErrors]) -> str:
    """
    Make one claimed standard deviation cover 68.27 % of the errors of these frames.

    :param claims: as the weights say them now
    :return: what was done, for people
    :raises DatasetError: there are none
    """
    if not claims:
        raise DatasetError(
            'not one image has a true depth to calibrate the uncertainty on: give data with depth'
        )
    before = load_weights(weights).card.uncertainty_factor
    after = before * summarise_uncertainty(claims).factor
    change_card(weights, uncertainty_factor=after)
    return (
        f'uncertainty_factor {after:.3f} is written into {weights} (it was {before:.3f}), fitted '
        f'on {len(claims)} images: measure the coverage on others'
    )
