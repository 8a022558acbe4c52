"""What every source of frames offers, whatever it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lsd_ros.types import Frame

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


@dataclass
class FrameStats:
    """
    What became of the images of a source, counted while its frames are read.

    :param frames: images that became frames
    :param duplicates: images dropped because their stamp was there already
    :param undecodable: images skipped because they could not be decoded
    :param out_of_order: images that were recorded after a later one
    """

    frames: int = 0
    duplicates: int = 0
    undecodable: int = 0
    out_of_order: int = 0


class FrameSource(Protocol):
    """Frames in the order of their stamps; a context manager that closes what it reads."""

    kind: str

    @property
    def stats(self) -> FrameStats:
        """Return what became of the images, counted anew with each iteration."""
        ...

    @property
    def name(self) -> str:
        """Return what people would call it: the name of its file or folder."""
        ...

    @property
    def frame_count(self) -> int | None:
        """Return how many images there are; None where only reading all would tell."""
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
