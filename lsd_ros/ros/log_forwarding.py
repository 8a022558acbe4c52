"""The library logs with the standard library; the node forwards that to ROS."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from lsd_ros.foreign.printable import printable

if TYPE_CHECKING:
    from rclpy.impl.rcutils_logger import RcutilsLogger

LIBRARY = 'lsd_ros'
_SPEAKER: ContextVar[str | None] = ContextVar('speaker', default=None)


@contextmanager
def speaking_for(name: str) -> Iterator[None]:
    """
    Let what is logged here be said by one node alone, where several live in a process.

    :param name: of the logger of the node
    """
    token = _SPEAKER.set(name)
    try:
        yield
    finally:
        _SPEAKER.reset(token)


class RosLogHandler(logging.Handler):
    """Says in the log of a ROS node what the library logs."""

    def __init__(self, logger: RcutilsLogger) -> None:
        """Forward to a ROS logger, which has its own opinion on levels."""
        super().__init__()
        self._logger = logger

    def __enter__(self) -> RosLogHandler:
        """Start to forward."""
        library = logging.getLogger(LIBRARY)
        library.addHandler(self)
        library.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop to forward."""
        library = logging.getLogger(LIBRARY)
        library.removeHandler(self)
        if not any(isinstance(other, RosLogHandler) for other in library.handlers):
            library.setLevel(logging.NOTSET)

    def emit(self, record: logging.LogRecord) -> None:
        """Forward one record, unless it is another node's."""
        if _SPEAKER.get() not in (None, self._logger.name):
            return
        text = printable(self.format(record))
        # One line per level: rclpy refuses a line of code that changes its severity.
        if record.levelno >= logging.CRITICAL:
            self._logger.fatal(text)
        elif record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)
