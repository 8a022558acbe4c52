"""Header stamps of a bag, moved into the present."""

from __future__ import annotations

import time
from collections.abc import Callable

from lsd_ros.messages.cdr import header_stamp_ns, with_header_stamp


class Restamping:
    """
    Moves the header stamps of a bag so that a message looks as if it had just been made.

    The first stamp of a pass through the bag becomes the time at which its message is played, and
    all others keep their distance to it; so messages that belong together still do. A stamp of
    zero says that there is none, and stays.

    :param rate: of the playback, by which distances shrink
    :param now_ns: the clock that stamps are of [ns]
    """

    def __init__(self, rate: float, now_ns: Callable[[], int] = time.time_ns) -> None:
        self._rate = rate
        self._now_ns = now_ns
        self._first_ns: int | None = None
        self._began_ns = 0
        self._newest_ns = 0

    def begin_pass(self) -> None:
        """Begin again: the stamps go on from now."""
        self._first_ns = None

    def moved(self, cdr: bytes) -> bytes:
        """
        Return a message that starts with a header, with its stamp moved.

        :raises MessageError: the message is damaged, or so far from the first that no stamp fits
        """
        stamp_ns = header_stamp_ns(cdr)
        if not stamp_ns:
            return cdr
        if self._first_ns is None:
            self._first_ns = stamp_ns
            self._began_ns = max(self._now_ns(), self._newest_ns + 1)
        moved_ns = self._began_ns + round((stamp_ns - self._first_ns) / self._rate)
        moved = with_header_stamp(cdr, moved_ns)
        self._newest_ns = max(self._newest_ns, moved_ns)
        return moved
