"""A bag as a source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsd_ros.bags.frames import BagFrames
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.summary import summary
from lsd_ros.types import Camera, Frame
from lsd_ros.types.frame_source import FrameStats


class BagSource:
    """
    A bag as a source of frames.

    :param path: bag folder or file
    :param image_topic: None: the topic that looks most like the main camera
    :param camera: what to use instead of any camera info
    :raises DatasetError: the bag cannot be read, or the topic is wrong
    """

    kind = 'bag'

    def __init__(
        self, path: Path, image_topic: str | None = None, camera: Camera | None = None
    ) -> None:
        """Open the bag."""
        self.bag = BagReader(path)
        try:
            self.frames = BagFrames(self.bag, image_topic, camera=camera)
        except BaseException:
            self.bag.close()
            raise

    @property
    def name(self) -> str:
        """Return the name of the bag, without its suffix."""
        return self.bag.path.stem

    @property
    def stats(self) -> FrameStats:
        """Return what became of the images."""
        return self.frames.stats

    @property
    def damage(self) -> list[str]:
        """Return what could not be read so far, a sentence each."""
        return self.bag.damage

    @property
    def frame_count(self) -> int | None:
        """Return the number of images."""
        return len(self.frames)

    @property
    def first_camera(self) -> Camera | None:
        """Return the camera of the first frame; None: not known."""
        return self.frames.first_camera

    @property
    def camera_problem(self) -> str:
        """Say why the first frame has no camera."""
        return self.frames.camera_problem

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames from the start."""
        return iter(self.frames)

    def __enter__(self) -> BagSource:
        """Return the source; it is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.bag.close()

    def describe(self) -> dict[str, Any]:
        """Return what the bag holds."""
        return summary(self.bag)
