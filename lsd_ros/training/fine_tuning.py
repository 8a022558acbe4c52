"""Going on from what was trained before: on other data, at another size, with another loss."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from pathlib import Path

from torch import nn

from lsd_ros.errors import SettingError
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.models.network_settings import PoseSettings
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import DisparityHead, SmallDepthNet
from lsd_ros.models.weighting import WeightedSum
from lsd_ros.training.phase_settings import StudentSettings, TeacherSettings
from lsd_ros.training.provenance import Origin
from lsd_ros.training.trained_teacher import read_teacher

LOGGER = logging.getLogger(__name__)


def start_student(student: SmallDepthNet, pose: PoseNet, wanted: StudentSettings) -> Origin:
    """
    Give a student and its pose network the numbers of a weights file.

    :return: what these had learned from
    :raises WeightsError: the file cannot be used
    :raises SettingError: its networks or colours are others than the wanted ones
    """
    weights = load_weights(wanted.start_from)
    pose_there = _seen_alike(weights.pose.shape, pose.shape, wanted.trained)
    state = weights.depth.state_dict()
    shape_there = weights.depth.shape
    if shape_there.uncertainty and not student.shape.uncertainty:
        # what that head learned is left behind: no other part depends on it
        shape_there = replace(shape_there, uncertainty=False)
        state = {n: value for n, value in state.items() if not n.startswith('uncertainty.')}
    theirs = (shape_there, pose_there, weights.preprocessing.colour)
    ours = (student.shape, pose.shape, wanted.input.colour)
    for name, there, here in zip(('network', 'pose', 'input.colour'), theirs, ours, strict=True):
        _check_same(wanted.start_from, name, there, here)
    student.load_state_dict(state)
    pose.load_state_dict(weights.pose.state_dict())
    _fit_depths(student.heads, weights.depths, wanted.input.depths)
    if wanted.open_skips:
        open_skips(student)
    return Origin.of_weights(weights.card)


def open_skips(student: SmallDepthNet) -> None:
    """
    Let the decoder take half of each fused map from the encoder again.

    A short training closes these paths while the encoder has nothing to say yet, and a map of
    which three percent are taken learns thirty times more slowly: depth stays without details.
    """
    for stage in student.decoder:
        fuse = stage.fuse
        if isinstance(fuse, WeightedSum):
            nn.init.zeros_(fuse.weighting.squeeze.weight)
            if fuse.weighting.squeeze.bias is not None:
                nn.init.zeros_(fuse.weighting.squeeze.bias)


def start_teacher(teacher: BridgedTeacher, pose: PoseNet, wanted: TeacherSettings) -> Origin:
    """
    Give a teacher and its pose network the numbers of another teacher's training.

    :return: what these had learned from
    :raises TrainingError: it is no teacher's training, or has no whole checkpoint
    :raises SettingError: its networks or colours are others than the wanted ones
    """
    taught = read_teacher(Path(wanted.start_from))
    there, here = taught.wanted, wanted
    _check_same(wanted.start_from, 'network', there.network, here.network)
    pose_there = _seen_alike(there.pose, here.pose, wanted.trained)
    _check_same(wanted.start_from, 'pose', pose_there, here.pose)
    _check_same(wanted.start_from, 'input.colour', there.input.colour, here.input.colour)
    teacher.load_state_dict(taught.network.state_dict())
    _fit_depths(teacher.teacher.heads, there.input.depths, here.input.depths)
    pose.load_state_dict(taught.pose.state_dict())
    return taught.origin


def _seen_alike(there: PoseSettings, here: PoseSettings, trained: str) -> PoseSettings:
    """Let another view of the cameras pass where the pose network learns it from there."""
    return there if trained == 'depth' else replace(there, focal_px=here.focal_px)


def _fit_depths(heads: nn.ModuleList, there: DisparityRange, here: DisparityRange) -> None:
    """
    Let heads say in another range of depth what they said in theirs.

    Disparity is a share of the range of inverse depth. Where it is small, as it mostly is, the
    sigmoid is an exponential, so that a factor of disparity is a summand of the bias.
    """
    if there == here:
        return
    factor = _inverse_span(there) / _inverse_span(here)
    LOGGER.info('start_from has the depth range %s, and goes on with %s', there, here)
    for head in heads.modules():
        if isinstance(head, DisparityHead) and head.conv.bias is not None:
            nn.init.constant_(head.conv.bias, float(head.conv.bias.detach()) + math.log(factor))


def _inverse_span(depths: DisparityRange) -> float:
    return 1 / depths.min_depth - 1 / depths.max_depth


def _check_same(source: str, name: str, there: object, here: object) -> None:
    if there != here:
        raise SettingError(
            f'start_from is {source}, whose {name} is {there}, and {here} is wanted: choose the '
            'same, or train from nothing'
        )
