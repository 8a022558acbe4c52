"""What an engine says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lsd_ros.types import MotionNoise


@dataclass(frozen=True)
class EngineInfo:
    """
    What runs, and what with.

    :param weights: path of the weights file
    :param name: name that the weights give themselves
    :param trained: False: depth and motion mean nothing
    :param metric: whether the weights themselves are metric
    :param licence: what the training data asks of whoever uses the weights; empty: nothing
    :param backend: ``openvino``, ``onnxruntime`` or ``torch``
    :param device: ``cpu``, or ``cuda`` with the name of the card
    :param precision: ``full`` or ``half``
    :param reason: why these, where the choice was open; else empty
    :param network_size: (width, height) that the backend is built for
    :param uncertainty: whether the weights know how far their depth may be off
    :param motion_noise: how wrong the motions of the weights are; None: never measured
    :param masked: share of the image that the robot itself is in
    :param fusion: what became of the steps where another odometry is fused, counted by name
    """

    weights: str
    name: str
    trained: bool
    metric: bool
    licence: str
    backend: str
    device: str
    network_size: tuple[int, int]
    precision: str = 'full'
    reason: str = ''
    uncertainty: bool = False
    motion_noise: MotionNoise | None = None
    masked: float = 0.0
    fusion: Mapping[str, int] = field(default_factory=dict)
