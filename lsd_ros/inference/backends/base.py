"""What every backend is: both networks, ready for images of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lsd_ros.models.checkpoint import Weights
from lsd_ros.models.pose_net import FRAMES


@dataclass(frozen=True)
class Plan:
    """
    What a backend is built for.

    :param weights: networks to run
    :param width: of the network input [pixels]
    :param height: of the network input [pixels]
    :param threads: CPU threads that it may use
    :param half: compute with half precision
    """

    weights: Weights
    width: int
    height: int
    threads: int
    half: bool

    @property
    def image_shape(self) -> tuple[int, int, int, int]:
        """Return the input shape of the depth network."""
        return 1, self.height, self.width, 3

    @property
    def frames_shape(self) -> tuple[int, int, int, int]:
        """Return the input shape of the pose network."""
        return FRAMES, self.height, self.width, 3


class Backend(Protocol):
    """
    Both networks, compiled for one image size; not safe for several threads at once.

    Constructors take a :class:`Plan` and raise BackendError where they cannot run it.
    """

    name: str
    device: str

    def disparity(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Run the depth network.

        :param image: RGB of the planned size, shape (H, W, 3), uint8, contiguous
        :return: disparity in (0, 1) and, where the weights know it, the relative standard
            deviation of its depth, shape (1 or 2, h, w), float32; valid until the next call
        """
        ...

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Run the pose network.

        :param frames: before, target and after, shape (3, H, W, 3), uint8, contiguous
        :return: before_from_target and after_from_target, shape (2, 6), float32: translation in
            units of network depth, then axis-angle [rad]
        """
        ...
