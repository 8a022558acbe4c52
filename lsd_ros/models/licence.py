"""What the licences of training data ask of whoever uses the weights."""

from __future__ import annotations

import logging
import re
import threading

NON_COMMERCIAL = re.compile(r'\bNC\b|\bnon[- ]?commercial', re.IGNORECASE)
LOGGER = logging.getLogger(__name__)


def forbids_commercial_use(licences: str) -> bool:
    """
    Return whether the text of a licence, or of several, says so.

    That is the word NC, as in CC BY-NC-SA 3.0, or non-commercial. A licence that says it in any
    other way is not found, and one that is not there forbids nothing.
    """
    return NON_COMMERCIAL.search(licences) is not None


class _Told:
    """What was said in this process, by threads that may load weights at the same time."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def is_new(self, name: str, licences: str) -> bool:
        """Return whether this is the first time."""
        with self._lock:
            if (name, licences) in self._said:
                return False
            self._said.add((name, licences))
            return True


_TOLD = _Told()


def tell_once(name: str, licences: str, *, commercial_use: bool) -> None:
    """
    Log under which licence the training data of weights were, the first time in a process.

    :param name: of the weights
    :param licences: of their training data; empty: nothing is said, unless they forbid something
    """
    if (not licences and commercial_use) or not _TOLD.is_new(name, licences):
        return
    if commercial_use:
        LOGGER.info('licence of the data that the weights %s were trained on: %s', name, licences)
        return
    LOGGER.warning(
        'the weights %s were trained on data for non-commercial use only (%s): do not use them '
        'commercially, or train your own',
        name,
        licences or 'their card says no more',
    )
