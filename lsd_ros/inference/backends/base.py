"""What every backend is: both networks, ready for images of one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lsd_ros.models.network_settings import FRAMES, MOTIONS
from lsd_ros.models.weights import Weights

Shape = tuple[int, int, int, int]
Network = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Plan:
    """
    What a backend is built for.

    :param weights: networks to run
    :param width: of the network input [pixels]
    :param height: of the network input [pixels]
    :param threads: CPU threads that it may use
    :param half: compute with half precision
    :param batch: most cameras whose images run together
    """

    weights: Weights
    width: int
    height: int
    threads: int
    half: bool
    batch: int = 1

    @property
    def image_shapes(self) -> list[Shape]:
        """Return the input shapes of the depth network, for one camera to the whole batch."""
        return [(size, self.height, self.width, 3) for size in range(1, self.batch + 1)]

    @property
    def frames_shapes(self) -> list[Shape]:
        """Return the input shapes of the pose network, for one camera to the whole batch."""
        sizes = range(FRAMES, FRAMES * self.batch + 1, FRAMES)
        return [(size, self.height, self.width, 3) for size in sizes]


class Backend(Protocol):
    """
    Both networks, compiled for one image size; not safe for several threads at once.

    Constructors take a :class:`Plan` and raise BackendError where they cannot run it.
    """

    @property
    def name(self) -> str:
        """Return what runs the networks."""
        ...

    @property
    def device(self) -> str:
        """Return where they run."""
        ...

    @property
    def precision(self) -> str:
        """Return ``full`` or ``half``."""
        ...

    @property
    def reason(self) -> str:
        """Return why it was taken, where the choice was open; else nothing."""
        ...

    def disparities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Run the depth network.

        :param images: RGB of the planned size, shape (N, H, W, 3), uint8, contiguous; N up to the
            planned batch
        :return: disparity in (0, 1) and, where the weights know it, the relative standard
            deviation of its depth, shape (N, 1 or 2, h, w), float32; valid until the next call
        """
        ...

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Run the pose network.

        :param frames: before, target and after, shape (N, 3, H, W, 3), uint8, contiguous
        :return: before_from_target and after_from_target, shape (N, 2, 6), float32: translation
            in units of network depth, then axis-angle [rad]; valid until the next call
        """
        ...


class NetworkPair:
    """The calls of a backend, passed on to two networks that take and give stacked images."""

    def __init__(self, depth: Network, pose: Network, *, half: bool) -> None:
        self._depth = depth
        self._pose = pose
        self.precision = 'half' if half else 'full'
        self.reason = ''

    def disparities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.disparities`."""
        return self._depth(images)

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.motions`."""
        stacked = frames.reshape(-1, *frames.shape[2:])
        return self._pose(stacked).reshape(-1, MOTIONS, 6)
