"""Synthetic places in an adaptation: what was learned from them before is not to be forgotten."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.learning import ROOM_M
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

WIDTH = 416
SPARSE_HZ, FRAMES = 1.25, 16  # every image of a drive to learn from shows another place
DRIVEN_HZ, DRIVEN = 10.0, 12  # those that are measured move as a robot does
LEARNED, MEASURED = range(7000, 7004), range(7100, 7102)
Bar = Callable[[str, int], AbstractContextManager[Callable[[], object]]]
Sequences = list[FolderSequence]


def replayed(
    work: Path, camera: Camera, points: NDArray[np.float32], given: AdaptationSettings, bar: Bar
) -> tuple[Sequences, Sequences]:
    """
    Draw synthetic places like those of a recording, as its camera would see them.

    :param work: folder for their sequences; what is there is not drawn again
    :param points: depth of the sure points of the recording [m]
    :return: what is learned from, none where ``replay`` is 0, and what is measured
    :raises DatasetError: nothing can be written
    """
    kinds = ('room', 'corridor') if float(np.median(points)) < ROOM_M else ('street', 'road')
    seen = camera.resized(WIDTH, max(32, round(WIDTH * camera.height / camera.width)))
    wanted = [(k, s, FRAMES, SPARSE_HZ) for s in LEARNED for k in kinds] if given.replay else []
    learned = _drawn(work, seen, wanted, 'replayed', bar)
    judged = [(k, s, DRIVEN, DRIVEN_HZ) for s in MEASURED for k in kinds]
    return learned, _drawn(work, seen, judged, 'unseen', bar)


def _drawn(
    work: Path, camera: Camera, wanted: list[tuple[str, int, int, float]], name: str, bar: Bar
) -> Sequences:
    found = []
    with bar(f'{name} synthetic places', len(wanted)) as advance:
        for kind, seed, frames, rate_hz in wanted:
            path = work / 'synthetic' / f'{name}_{kind}{seed}'
            if not path.exists():
                drive = SyntheticDrive(kind, seed, camera, frames, rate_hz, start_s=2.5)
                write_sequence(path, drive)
            found.append(FolderSequence(path))
            advance()
    return found
