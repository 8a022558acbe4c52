"""How often each source of data is drawn: stated shares, whatever its number of images."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from lsd_ros.errors import DatasetError, SettingError

SMALLEST = 1e-3


@dataclass(frozen=True)
class SourceShare:
    """
    A source of data, and how much of a training it is.

    :param pattern: of the names of its sequences, as in a shell
    :param share: relative to the shares of the other sources
    """

    pattern: str
    share: float

    @classmethod
    def parse(cls, text: str) -> SourceShare:
        """
        Read ``PATTERN SHARE``.

        :raises SettingError: it is something else
        """
        pattern, _, number = text.rpartition(' ')
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if not pattern or not SMALLEST <= share <= 1 / SMALLEST:
            raise SettingError(
                f"data.shares has {text!r}: write 'PATTERN SHARE', such as 'kitti_* 0.5', with a "
                f'share from {SMALLEST} on'
            )
        return cls(pattern.strip(), share)


def repeated(
    names: Sequence[str], sequence_of: Sequence[int], shares: Sequence[SourceShare]
) -> list[int]:
    """
    List every sample at least once, and each as often as its source's share asks for.

    :param names: of the sequences
    :param sequence_of: number of the sequence of each sample
    :param shares: the first pattern that fits a name counts
    :return: samples by their index, those of one source together
    :raises DatasetError: a sequence fits no pattern, or a pattern no sequence
    """
    source_of = [_source(name, shares) for name in names]
    samples: list[list[int]] = [[] for _ in shares]
    for index, sequence in enumerate(sequence_of):
        samples[source_of[sequence]].append(index)
    for share, found in zip(shares, samples, strict=True):
        if not found:
            raise DatasetError(
                f'data.shares has {share.pattern!r}, and no sample is of such a sequence: leave '
                'it out, or give the data'
            )
    total = max(len(found) / s.share for s, found in zip(shares, samples, strict=True))
    wanted = [round(share.share * total) for share in shares]
    return [
        index
        for found, count in zip(samples, wanted, strict=True)
        for index in _stretched(found, count)
    ]


def _source(name: str, shares: Sequence[SourceShare]) -> int:
    for number, share in enumerate(shares):
        if fnmatch.fnmatchcase(name, share.pattern):
            return number
    raise DatasetError(
        f"data.shares says nothing of {name}: add a pattern for it, such as '* 0.1' at the end"
    )


def _stretched(samples: Sequence[int], count: int) -> list[int]:
    """Repeat samples; where that does not divide, those that are repeated lie evenly."""
    return [samples[place * len(samples) // count] for place in range(count)]
