"""What the library logs, as lines on stderr."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator

from lsd_ros.foreign.printable import printable

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _OneLine(logging.Formatter):
    """``warning: what there is to say``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; tracebacks, which only bugs have, stay as they are."""
        text = printable(' '.join(record.getMessage().split()))
        line = f'{record.levelname.lower()}: {text}'
        if record.exc_info:
            line += '\n' + self.formatException(record.exc_info)
        return line


@contextlib.contextmanager
def logs(verbose: int) -> Iterator[None]:
    """
    Show what the library logs.

    :param verbose: 0: warnings; 1: also what happens; 2: everything, and other libraries' warnings
    """
    logger = logging.getLogger('lsd_ros')
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(LEVELS[min(verbose, 2)])
    try:
        with warnings.catch_warnings():
            if verbose < 2:
                warnings.simplefilter('ignore')
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
