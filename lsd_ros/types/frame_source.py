"""What every source of frames offers, whatever it reads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lsd_ros.foreign.printable import printable
from lsd_ros.types import Camera, Frame

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


LOGGED_SENTENCES = 5
_log = logging.getLogger(__name__)


@dataclass
class FrameStats:
    """
    What became of the images of a source, counted while its frames are read.

    :param frames: images that became frames
    :param duplicates: images dropped because their stamp was there already
    :param undecodable: images skipped because they could not be decoded
    :param out_of_order: images that were recorded after a later one
    :param unreadable: images that an index names, in parts of a file that are damaged
    """

    frames: int = 0
    duplicates: int = 0
    undecodable: int = 0
    out_of_order: int = 0
    unreadable: int = 0


NO_CAMERA = 'it comes without a calibration: give that of its camera with --camera'


def note_undecodable(stats: FrameStats, damage: list[str], error: Exception) -> None:
    """Count an image that cannot be decoded, name it, and warn of the first few."""
    stats.undecodable += 1
    damage.append(printable(str(error)))
    if stats.undecodable <= LOGGED_SENTENCES:
        _log.warning('skipped: %s', damage[-1])
    if stats.undecodable == LOGGED_SENTENCES:
        _log.warning('further images that cannot be decoded are only counted')


class FrameSource(Protocol):
    """Frames in the order of their stamps; a context manager that closes what it reads."""

    kind: str

    @property
    def stats(self) -> FrameStats:
        """Return what became of the images, counted anew with each iteration."""
        ...

    @property
    def damage(self) -> list[str]:
        """Return what could not be read so far, a sentence each."""
        ...

    @property
    def name(self) -> str:
        """Return what people would call it: the name of its file or folder."""
        ...

    @property
    def frame_count(self) -> int | None:
        """Return how many images there are; None where only reading all would tell."""
        ...

    @property
    def first_camera(self) -> Camera | None:
        """Return the camera of the first frame, which is not decoded for it; None: not known."""
        ...

    @property
    def camera_problem(self) -> str:
        """Say why there is no camera; empty where there is one."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames, from the start each time."""
        ...

    def __enter__(self) -> Self:
        """Return the source; it is open already."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is read."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what the source holds, as JSON would have it."""
        ...
