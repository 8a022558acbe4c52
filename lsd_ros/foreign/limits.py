"""
How large foreign data may grow: limits against files that are small and ask for all memory.

They are checked by what headers say, before memory is taken. Whoever really has larger data raises
them with the options of the verbs, or with environment variables, which processes that are started
inherit.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from lsd_ros.errors import LsdError, SettingError

MEBI = 2**20
# The largest cameras on sale have some 60 megapixels; 100 of them decode to 300 MB of RGB.
MAX_MEGAPIXELS = 100.0
# The largest message of a robot is a cloud of some 100 MB; chunks of recorders have 1 to 64 MB.
MAX_UNPACKED_MIB = 1024.0
# Images and clouds shrink to a third, text to a tenth; a bomb to a millionth.
MAX_EXPANSION = 1000.0
# What is this small may expand by more: an all black image does, and harms nobody.
FREE_BYTES = 64 * MEBI
# A pose file of a day at 30 Hz; files of text that are larger are something else.
MAX_TEXT_BYTES = 512 * MEBI

_VARIABLES = {
    'megapixels': 'LSD_ROS_MAX_MEGAPIXELS',
    'unpacked_mib': 'LSD_ROS_MAX_UNPACKED_MIB',
    'expansion': 'LSD_ROS_MAX_EXPANSION',
}


@dataclass(frozen=True)
class Limits:
    """
    How large foreign data may grow.

    :param megapixels: of one image
    :param unpacked_mib: that one message or chunk is decompressed to [MiB]
    :param expansion: what is decompressed over what it was, beyond :data:`FREE_BYTES`
    """

    megapixels: float = MAX_MEGAPIXELS
    unpacked_mib: float = MAX_UNPACKED_MIB
    expansion: float = MAX_EXPANSION

    def check_image(
        self, width: int, height: int, pixel_bytes: int, error: type[LsdError]
    ) -> None:
        """
        Refuse an image that is too large.

        :param pixel_bytes: of one pixel, decoded
        :raises LsdError: of the given type
        """
        if width * height > self.megapixels * 1e6:
            raise error(
                f'it says that it is {width} x {height}, more than {self.megapixels:g} '
                f'megapixels: raise --max-megapixels ({_VARIABLES["megapixels"]}) if that is true'
            )
        self.check_unpacked(width * height * pixel_bytes, None, error)

    def check_unpacked(self, size: int, packed: int | None, error: type[LsdError]) -> None:
        """
        Refuse data that grow too much.

        :param size: after decompression, so far [bytes]
        :param packed: before; None: the ratio does not count [bytes]
        :raises LsdError: of the given type
        """
        if size > self.unpacked_mib * MEBI:
            raise error(
                f'it grows beyond {self.unpacked_mib:g} MiB when it is decompressed: raise '
                f'--max-unpacked-mib ({_VARIABLES["unpacked_mib"]}) if that is true'
            )
        if packed is not None and size > max(FREE_BYTES, packed * self.expansion):
            raise error(
                f'its {packed} bytes grow by more than {self.expansion:g} when they are '
                f'decompressed: raise --max-expansion ({_VARIABLES["expansion"]}) if that is true'
            )

    def most_unpacked(self, packed: int) -> int:
        """Return to how much data of a size may grow [bytes]."""
        return int(min(self.unpacked_mib * MEBI, max(FREE_BYTES, packed * self.expansion)))


def limits() -> Limits:
    """
    Return the limits of this process.

    :raises SettingError: an environment variable is no positive number
    """
    return Limits(
        **{
            name: _number(variable)
            for name, variable in _VARIABLES.items()
            if variable in os.environ
        }
    )


@contextlib.contextmanager
def raised(**given: float | None) -> Iterator[None]:
    """
    Set limits while the block runs, also of processes that it starts.

    :param given: by the names of :class:`Limits`; None: as it was
    """
    before = {variable: os.environ.get(variable) for variable in _VARIABLES.values()}
    os.environ.update(
        {_VARIABLES[name]: repr(value) for name, value in given.items() if value is not None}
    )
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value


def _number(variable: str) -> float:
    text = os.environ[variable]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float('inf'):
        raise SettingError(f'{variable} is {text!r}: it must be a number above 0')
    return value
