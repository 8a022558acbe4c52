"""
The motion of a camera from three consecutive frames, in the unit of the pose network.

Causal: the motion into the newest frame comes from the network's second output, with the frame
before it as target. A gap, or time running backwards, breaks the chain.
"""

from __future__ import annotations

import enum
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.geometry.rigid import Matrix, motion_from_vector
from lsd_ros.models.network_settings import FRAMES

LOGGER = logging.getLogger(__name__)
NS_PER_S = 1_000_000_000
PLACES = 4  # times as many images as are asked about: how seldom the last ones are moved

MotionNetwork = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class NetworkMotion:
    """
    What the pose network says about the last frames, in its own unit of length.

    :param current_from_previous: shape (4, 4)
    :param previous_ns: stamp of the frame before [ns]
    :param current_ns: stamp of the newest frame [ns]
    :param first_step: ``previous_from_current`` of the step before, where nothing has told it yet
    :param first_ns: stamp that the step before began at [ns]
    :param still: whether the images say that the camera stands still
    """

    current_from_previous: Matrix
    previous_ns: int
    current_ns: int
    first_step: Matrix | None = None
    first_ns: int = 0
    still: bool = False


class Taken(enum.Enum):
    """How a frame follows the one before."""

    FOLLOWS = enum.auto()
    REPEATED = enum.auto()
    APART = enum.auto()
    BACKWARDS = enum.auto()


class LastImages:
    """
    The last images one behind the other, each copied once.

    :param count: how many
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept = np.empty((0, 0, 0, 0), np.uint8)
        self._end = 0

    def add(self, image: NDArray[np.uint8]) -> None:
        """Take the next image, shape (H, W, 3); one of another shape than the last begins anew."""
        if image.shape != self._kept.shape[1:]:
            self._kept = np.zeros((PLACES * self._count, *image.shape), np.uint8)
            self._end = 0
        if self._end == len(self._kept):  # go on at the start, behind those that are still needed
            needed = self._count - 1
            self._kept[:needed] = self._kept[self._end - needed :]
            self._end = needed
        self._kept[self._end] = image
        self._end += 1

    @property
    def stacked(self) -> NDArray[np.uint8]:
        """Return the last ones, oldest first, shape (count, H, W, 3); valid until the next."""
        return self._kept[self._end - self._count : self._end]


class MotionChain:
    """The last frames; asks the pose network about them once they follow each other."""

    def __init__(self) -> None:
        self._stamps: deque[int] = deque(maxlen=FRAMES)
        self._images = LastImages(FRAMES)
        self._shape: tuple[int, ...] = ()
        self._first_triple = True

    def clear(self) -> None:
        """Forget the last frames."""
        self._stamps.clear()
        self._first_triple = True

    def take(self, stamp_ns: int, image: NDArray[np.uint8], max_gap_s: float) -> Taken:
        """
        Take the next frame; a repeated one is dropped, one that does not follow starts anew.

        :param stamp_ns: of the frame [ns]
        :param image: network input, shape (H, W, 3)
        """
        taken = self._relation(stamp_ns, image.shape, max_gap_s)
        if taken is Taken.REPEATED:
            return taken
        if taken is not Taken.FOLLOWS:
            self.clear()
        self._stamps.append(stamp_ns)
        self._images.add(image)
        self._shape = image.shape
        return taken

    def ask(self, network: MotionNetwork) -> NetworkMotion | None:
        """
        Return the newest motion; None with too few frames, or where the network failed.

        :param network: from three frames (3, H, W, 3) to two motions (2, 6)
        """
        if len(self._stamps) < FRAMES:
            return None
        first_ns, previous_ns, current_ns = self._stamps
        vectors = network(self._images.stacked).astype(np.float64)
        if not np.all(np.isfinite(vectors)):
            LOGGER.warning('the pose network gave %s: motion is broken off', vectors.tolist())
            self.clear()
            return None
        before, after = map(motion_from_vector, vectors)
        first = before if self._first_triple else None
        self._first_triple = False
        return NetworkMotion(after, previous_ns, current_ns, first, first_ns)

    def _relation(self, stamp_ns: int, shape: tuple[int, ...], max_gap_s: float) -> Taken:
        if not self._stamps:
            return Taken.FOLLOWS
        last_ns = self._stamps[-1]
        gap_s = (stamp_ns - last_ns) / NS_PER_S
        if stamp_ns == last_ns:
            LOGGER.debug('frame of stamp %d ns came twice', stamp_ns)
            return Taken.REPEATED
        if gap_s < 0:
            LOGGER.warning('time went back by %.3f s: odometry starts anew', -gap_s)
            return Taken.BACKWARDS
        if gap_s > max_gap_s or shape != self._shape:
            LOGGER.info('no frame for %.3f s, or a new size: motion is broken off', gap_s)
            return Taken.APART
        return Taken.FOLLOWS
