"""One image through the guard and the engine, to what may be said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.timing import timed
from lsd_ros.safety.guard import Guard
from lsd_ros.types import Estimate, Frame, Mount

if TYPE_CHECKING:
    from lsd_ros.inference.engine import Engine

Look = Callable[[Frame], None]


class Demand(NamedTuple):
    """What has to be computed."""

    depth: bool = True
    motion: bool = True
    uncertainty: bool = False


@dataclass(frozen=True)
class Judgement:
    """
    What the engine says about an image, and who may hear of it.

    :param estimate: as the engine gave it
    :param obstacles: whether a robot may avoid obstacles by it
    :param lost: whether the odometry must say that it is lost
    :param stages_s: seconds that each stage took, those of the engine included
    :param mount: where the camera sits; None: nobody says it
    """

    estimate: Estimate
    obstacles: bool
    lost: bool
    stages_s: dict[str, float]
    mount: Mount | None = None

    @property
    def place(self) -> NDArray[np.float64] | None:
        """Return where the camera sits in the base frame, shape (4, 4); None: not known."""
        return None if self.mount is None else self.mount.base_from_camera


class Reader(Protocol):
    """Makes the frame of an image; shows the image itself before all that may fail later."""

    def __call__(self, look: Look) -> Frame:
        """
        Read the frame.

        :param look: to be called with the frame, whose camera may be missing yet; may raise
        """
        ...


class Judge:
    """
    The only way from an image to obstacles.

    :param engine: estimates
    :param guard: decides; None: everything passes, for people who want to see it all
    """

    def __init__(self, engine: Engine, guard: Guard | None) -> None:
        self._engine = engine
        self._guard = guard

    def judge(
        self,
        stamp_ns: int,
        arrived_s: float,
        read: Reader,
        demand: Demand,
        mount_of: Callable[[str], Mount | None],
    ) -> Judgement:
        """
        Take the next image through everything.

        :param stamp_ns: of the image [ns]
        :param arrived_s: when it came, by the clock of the guard [s]
        :param read: makes the frame
        :param mount_of: where the camera of a frame sits; None: not known
        :raises LsdError: the image is not fit to be worked on; tell the guard, by ``failed``
        """
        guard, stages = self._guard, dict[str, float]()
        if guard is not None:
            with timed(stages, 'check stamp'):
                guard.stamp(stamp_ns, arrived_s)

        def look(frame: Frame) -> None:
            if guard is not None:
                with timed(stages, 'check image'):
                    guard.image(frame)

        with timed(stages, 'decode'):
            frame = read(look)
        stages['decode'] -= stages.get('check image', 0.0)
        mount = mount_of(frame.frame_id)
        estimate = self._engine.process(
            frame,
            depth=demand.depth,
            motion=demand.motion,
            uncertainty=demand.uncertainty,
            ground=guard is not None,
            base_from_camera=None if mount is None else mount.base_from_camera,
            inspect=None if guard is None else guard.network_image,
        )
        stages.update(estimate.stages_s)
        if guard is None:
            return Judgement(estimate, obstacles=True, lost=False, stages_s=stages, mount=mount)
        with timed(stages, 'check results'):
            passes = guard.passes(estimate, arrived_s, mount)
        return Judgement(estimate, passes, guard.is_blind, stages, mount)
