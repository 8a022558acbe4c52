"""What is extracted from: the frames of a recording, and poses and depth where it is a bag."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.camera_topics import first_message
from lsd_ros.bags.depth_topic import DepthStream, choose_depth_topic
from lsd_ros.bags.frames import BagFrames
from lsd_ros.bags.pose_topic import CameraPoses, PoseChoice, camera_poses
from lsd_ros.bags.reader import BagReader
from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.source import kind_of_source, open_source
from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.types import Camera
from lsd_ros.types.frame_source import FrameStats


class ExtractionSource:
    """
    One recording, open: ``frames`` to iterate over, poses and depth by stamp.

    :param path: bag, video, or folder of images
    :raises DatasetError: it cannot be read, or a topic or frame that is asked for is not there
    """

    def __init__(self, path: Path, given: ExtractionSettings) -> None:
        """Open the recording and find everything that belongs to its camera."""
        self.path = path
        self.topics: dict[str, str | None] = {}
        self.poses_how = ''
        self._poses: dict[int, NDArray[np.float64]] = {}
        self._depth: DepthStream | None = None
        self._stack = ExitStack()
        camera = read_camera(given.calibration) if given.calibration else None
        kind = kind_of_source(path)
        if kind == 'sequence':
            raise DatasetError(f'{path} is a training sequence already')
        try:
            if kind == 'bag':
                self._open_bag(given, camera)
            else:
                self._open_other(given, camera)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ExtractionSource:
        """Return the source; it is open already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    @property
    def stats(self) -> FrameStats:
        """Return what became of the images while they were read."""
        stats: FrameStats = self.frames.stats
        return stats

    @property
    def damage(self) -> list[str]:
        """Return what of the recording could not be read, a sentence each."""
        return self._bag.damage if self._bag is not None else self._other.damage

    @property
    def has_poses(self) -> bool:
        """Return whether poses of the camera are known."""
        return bool(self._poses)

    def pose(self, stamp_ns: int) -> NDArray[np.float64] | None:
        """Return ``world_from_camera`` at the stamp of an image; None where unknown."""
        return self._poses.get(stamp_ns)

    def depth(self, stamp_ns: int) -> NDArray[np.float32] | None:
        """Return the depth [m] of an image, in the order of their stamps; None: there is none."""
        return None if self._depth is None else self._depth.at(stamp_ns)

    def _open_other(self, given: ExtractionSettings, camera: Camera | None) -> None:
        for name in ('image_topic', 'camera_info_topic', 'pose_topic', 'depth_topic'):
            if getattr(given, name) not in ('', 'none'):
                raise DatasetError(f'{self.path} is no bag: it has no {name}')
        self._bag: BagReader | None = None
        self._other = self._stack.enter_context(open_source(self.path, camera=camera))
        if self._other.camera_problem:
            raise DatasetError(f'{self.path}: {self._other.camera_problem}')
        self.frames: Any = self._other
        self.count = self._other.frame_count

    def _open_bag(self, given: ExtractionSettings, camera: Camera | None) -> None:
        bag = self._bag = self._stack.enter_context(BagReader(self.path))
        frames = BagFrames(bag, given.image_topic or None, given.camera_info_topic or None, camera)
        self.frames, self.count = frames, len(frames)
        if frames.camera_problem:
            raise DatasetError(f'{bag.path}: {frames.camera_problem}')
        frame_id = _frame_id(bag, frames.image_topic)
        wanted = PoseChoice(
            given.pose_topic, given.pose_frame, given.world_frame, given.max_pose_gap_s
        )
        poses = camera_poses(bag, frame_id, np.array(frames.stamps_ns, np.int64), wanted)
        if poses is not None:
            self._take_poses(frames.stamps_ns, poses)
        depth_topic = None
        camera = next(iter(frames)).camera
        if camera is not None:
            depth_topic = choose_depth_topic(
                bag, frames.image_topic, camera, frame_id, given.depth_topic
            )
        if depth_topic is not None:
            other = self._stack.enter_context(BagReader(self.path))  # two streams side by side
            offset_ns = round(given.max_depth_offset_s * 1e9)
            self._depth = DepthStream(other, depth_topic, offset_ns)
        self.topics = {
            'images': frames.image_topic,
            'camera_info': frames.camera_info_topic,
            'poses': None if poses is None else poses.topic,
            'depth': depth_topic,
        }

    def _take_poses(self, stamps_ns: list[int], poses: CameraPoses) -> None:
        self.poses_how = poses.how
        for stamp_ns, pose in zip(stamps_ns, poses.world_from_camera, strict=True):
            if np.isfinite(pose).all():
                self._poses[stamp_ns] = pose


def _frame_id(bag: BagReader, topic: str) -> str:
    """Return the optical frame of the images; empty where their first one does not say it."""
    first = first_message(bag, topic)
    try:
        with ForeignCode(DatasetError, 'the header is damaged'):
            return '' if first is None else str(first.message.header.frame_id)
    except LsdError:
        return ''
