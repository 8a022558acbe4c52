"""The depth of a teacher in the place of the true one: how far is the student from it?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lsd_ros.cli.evaluate.scoring import FRAME_ID, Judged
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.types import Camera, Frame


class TeachersTruth:
    """
    A sequence whose true depth is what a teacher says of its images; it has no poses.

    :param sequence: images
    :param teacher: gives depth of the size of the images
    """

    def __init__(self, sequence: TrainingSequence, teacher: Judged) -> None:
        self._sequence, self._teacher = sequence, teacher

    @property
    def name(self) -> str:
        """Return what people would call it."""
        return self._sequence.name

    @property
    def camera(self) -> Camera:
        """Return the camera of every image and depth, without distortion."""
        return self._sequence.camera

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """Return the strictly increasing stamps [ns], shape (N,)."""
        return self._sequence.stamps_ns

    @property
    def poses(self) -> NDArray[np.float64] | None:
        """Return None: depth is what is compared."""
        return None

    @property
    def targets(self) -> tuple[int, ...] | None:
        """Return which images a split chooses; None: all."""
        return self._sequence.targets

    @property
    def licence(self) -> str:
        """Return what the data ask of whoever uses them; empty: not known."""
        return self._sequence.licence

    @property
    def one_way(self) -> bool:
        """Return whether images are fast in their order only."""
        return self._sequence.one_way

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._sequence)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Read an image, RGB, shape (H, W, 3)."""
        return self._sequence.image(index)

    def depth(self, index: int) -> NDArray[np.float32] | None:
        """Return what the teacher says, shape (H, W); infinite where that is out of its range."""
        stamp_ns = int(self.stamps_ns[index])
        frame = Frame(stamp_ns, FRAME_ID, self.image(index), self.camera)
        return self._teacher.process(frame, motion=False).depth
