"""Trajectories in evo's TUM format: ``stamp x y z qx qy qz qw`` per line, seconds and metres."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_text
from lsd_ros.messages import quaternion
from lsd_ros.types import Trajectory

LARGEST_STAMP_NS = 2**63 - 1  # what 64 bits hold
FURTHEST_M = 1e8  # more than twice around the earth
LONGEST_LINE = 120  # shown of a line that is wrong


def read_tum(path: str | Path) -> Trajectory:
    """
    Read a trajectory.

    :raises DatasetError: the file is unreadable, or a line is not a pose
    """
    lines = read_text(path, DatasetError).splitlines()
    stamps_ns, poses = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith('#'):
            continue
        try:
            with ForeignCode(DatasetError, 'it must be stamp x y z qx qy qz qw'):
                stamp, *values = line.split()
                stamps_ns.append(nanoseconds(stamp))
                poses.append(_pose([float(value) for value in values]))
        except LsdError as error:
            shown = f'{line[:LONGEST_LINE]!r}'
            raise DatasetError(f'{path}, line {number}: {shown} is no pose: {error}') from error
    if not poses:
        raise DatasetError(f'{path} holds no poses')
    try:
        return Trajectory(np.array(stamps_ns, np.int64), np.stack(poses))
    except LsdError as error:
        raise DatasetError(f'{path}: {error}') from error


def write_tum(path: str | Path, trajectory: Trajectory) -> None:
    """
    Write a trajectory; stamps keep every nanosecond.

    :raises DatasetError: the file cannot be written
    """
    poses = zip(trajectory.stamps_ns, trajectory.world_from_camera, strict=True)
    try:
        Path(path).write_text(''.join(_line(int(stamp_ns), pose) for stamp_ns, pose in poses))
    except OSError as error:
        raise DatasetError(f'cannot write the poses {path}: {error.strerror}') from error


def nanoseconds(seconds: str) -> int:
    """
    Read decimal seconds without the rounding of a float, which is 200 ns in our days.

    :raises DatasetError: it is not a number, or is beyond 292 years, as nanoseconds are
    """
    whole, _, fraction = seconds.partition('.')
    with ForeignCode(DatasetError, f'{seconds[:LONGEST_LINE]!r} is no stamp in seconds'):
        if whole.isdecimal() and (fraction.isdecimal() or not fraction):
            stamp_ns = int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, '0'))
        else:
            stamp_ns = round(float(seconds) * 1e9)
        if abs(stamp_ns) > LARGEST_STAMP_NS:
            raise DatasetError(
                f'{seconds[:LONGEST_LINE]} is no stamp in seconds: it is more than 292 years; '
                'are these nanoseconds? divide them by 1e9'
            )
        return stamp_ns


def _pose(values: Iterable[float]) -> NDArray[np.float64]:
    x, y, z, qx, qy, qz, qw = values
    matrix = np.eye(4)
    matrix[:3, :3] = quaternion.to_rotation((qx, qy, qz, qw))
    if not np.isfinite((x, y, z, qx, qy, qz, qw)).all():
        raise DatasetError('it has values that are not finite')
    if not max(abs(x), abs(y), abs(z)) <= FURTHEST_M:
        raise DatasetError(f'a position of {x:g}, {y:g}, {z:g} m is none')
    matrix[:3, 3] = (x, y, z)
    return matrix


def _line(stamp_ns: int, pose: NDArray[np.float64]) -> str:
    numbers = [*pose[:3, 3], *quaternion.from_rotation(pose[:3, :3])]
    stamp = f'{stamp_ns // 1_000_000_000}.{stamp_ns % 1_000_000_000:09d}'
    return ' '.join([stamp, *(f'{number:.12g}' for number in numbers)]) + '\n'
