r"""
Write a part of a sequence as a sequence of its own.

python experiments/shipped/part.py SEQUENCE FIRST LAST OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.sequence_writer import SequenceWriter


def main(source: Path, first: int, last: int, out: Path) -> None:
    """Copy images FIRST to LAST, with their poses and depth."""
    whole = Sequence(source)
    kept = {name: value for name, value in whole.manifest.items() if name in ('origin', 'licence')}
    with SequenceWriter(out, whole.camera, manifest=kept, suffix='.png') as writer:
        for index in range(first, last + 1):
            poses = whole.trajectory
            pose = None if poses is None else poses.world_from_camera[index]
            writer.add(whole.frame(index), world_from_camera=pose, depth=whole.depth(index))


if __name__ == '__main__':
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
