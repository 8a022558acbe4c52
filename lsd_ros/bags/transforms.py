"""The tree of transforms in a bag (/tf, /tf_static), asked at the stamps of images."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.reader import BagReader
from lsd_ros.errors import MessageError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.geometry.rigid import inverse, poses_at
from lsd_ros.messages.decode import pose_to_matrix, stamp_ns
from lsd_ros.types import Trajectory

TF_TYPE = 'tf2_msgs/msg/TFMessage'
TF_TYPES = (TF_TYPE, 'tf/msg/tfMessage')
FIXED_FRAMES = ('odom', 'map', 'world')
_log = logging.getLogger(__name__)


class TransformTree:
    """
    Every transform of a bag.

    :param bag: open; not closed here
    """

    def __init__(self, bag: BagReader) -> None:
        """Read all messages of transforms."""
        self._parents: dict[str, str] = {}
        self._edges: dict[str, dict[int, NDArray[np.float64]]] = {}
        self._static: set[str] = set()
        topics = [topic for topic in bag.topics() if topic.type in TF_TYPES and topic.count]
        for message in bag.messages([topic.name for topic in topics]) if topics else ():
            try:
                with ForeignCode(MessageError, 'it is damaged'):
                    for transform in message.message.transforms:
                        self._add(transform, message.topic.endswith('static'))
            except MessageError as error:
                _log.warning('skipped a transform on %s: %s', message.topic, error)
        self._trajectories = {
            child: _trajectory(edge) for child, edge in self._edges.items() if len(edge) > 1
        }

    def fixed_frame(self, frame: str) -> str | None:
        """Return the fixed frame that a frame moves in; None where it does not move."""
        above = self._chain(frame)
        moving = [name for name in above if name in self._trajectories]
        if not moving:
            return None
        known = [name for name in FIXED_FRAMES if name in above[above.index(moving[0]) + 1 :]]
        return known[0] if known else above[-1]

    def at(
        self, target: str, source: str, stamps_ns: NDArray[np.int64], max_gap_ns: int
    ) -> NDArray[np.float64] | None:
        """
        Return ``target_from_source`` at some stamps.

        :param max_gap_ns: between transforms further apart there is none
        :return: shape (N, 4, 4), NaN where unknown; None where nothing connects the frames
        """
        up, down = self._chain(source), self._chain(target)
        shared = next((frame for frame in up if frame in down), None)
        if shared is None:
            return None
        shared_from_source = self._along(up[: up.index(shared)], stamps_ns, max_gap_ns)
        shared_from_target = self._along(down[: down.index(shared)], stamps_ns, max_gap_ns)
        return np.stack(
            [inverse(b) @ a for a, b in zip(shared_from_source, shared_from_target, strict=True)]
        )

    def _add(self, transform: Any, static: bool) -> None:
        child, parent = _plain(transform.child_frame_id), _plain(transform.header.frame_id)
        if child in self._static and not static:
            return
        if static:
            self._static.add(child)
            self._edges.pop(child, None)
        self._parents[child] = parent
        edge = self._edges.setdefault(child, {})
        edge[stamp_ns(transform.header)] = pose_to_matrix(transform)
        if static:
            self._edges[child] = {0: pose_to_matrix(transform)}

    def _chain(self, frame: str) -> list[str]:
        frames = [_plain(frame)]
        while frames[-1] in self._parents and self._parents[frames[-1]] not in frames:
            frames.append(self._parents[frames[-1]])
        return frames

    def _along(
        self, frames: list[str], stamps_ns: NDArray[np.int64], max_gap_ns: int
    ) -> NDArray[np.float64]:
        result = np.tile(np.eye(4), (len(stamps_ns), 1, 1))
        for frame in frames:
            if frame in self._trajectories:
                step = poses_at(self._trajectories[frame], stamps_ns, max_gap_ns)
            else:
                step = next(iter(self._edges[frame].values()))[None]
            result = step @ result
        return result


def _trajectory(edge: dict[int, NDArray[np.float64]]) -> Trajectory:
    stamps = sorted(edge)
    return Trajectory(np.array(stamps, np.int64), np.stack([edge[stamp] for stamp in stamps]))


def _plain(frame: str) -> str:
    return frame.lstrip('/')  # as ROS 1 wrote them
