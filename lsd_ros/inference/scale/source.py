"""What every source of the scale sees, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Camera, Scale

if TYPE_CHECKING:
    from lsd_ros.inference.odometry.network_motion import NetworkMotion

Matrix = NDArray[np.float64]
NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Observation:
    """
    What the networks say about a frame, in their own unit of length.

    :param stamp_ns: of the frame [ns]
    :param inverse_depth: shape (h, w), float32 [1 / network unit]; None where it was not computed
    :param camera: at the size of the network's input, ``inverse_depth`` may be smaller; None where
        it is not known
    :param motion: of the camera since the frame before; None where it is not known
    :param base_from_camera: where the camera sits, shape (4, 4); None where it is not known
    :param useless: where inverse depth means nothing, of its shape; None: nowhere
    """

    stamp_ns: int
    inverse_depth: NDArray[np.float32] | None = None
    camera: Camera | None = None
    motion: NetworkMotion | None = None
    base_from_camera: Matrix | None = None
    useless: NDArray[np.bool_] | None = None


class ScaleSource(Protocol):
    """
    Where metres come from.

    A source is told about every frame, in the order of time, and answers with the scale of that
    frame. It is not metric before the source has settled, and it always says why.
    """

    @property
    def needs_depth(self) -> bool:
        """Return whether it asks for inverse depth, whoever else wants depth."""
        ...

    @property
    def needs_motion(self) -> bool:
        """Return whether it asks for motion, whoever else wants motion."""
        ...

    def update(self, seen: Observation) -> Scale:
        """Take in a frame and return its scale; a frame older than the last starts anew."""
        ...

    def reset(self) -> None:
        """Forget everything that was measured."""
        ...
