"""
The one door through which foreign code is called on foreign data.

A library that reads a damaged file may raise whatever it likes: its own error, ``struct.error``,
``MemoryError``, ``RecursionError``, or what its generated code trips over. A list of these is
never complete, so the door asks only whether the error is one of ours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

from typing_extensions import ParamSpec

from lsd_ros.errors import LsdError
from lsd_ros.foreign.printable import printable

P = ParamSpec('P')
T = TypeVar('T')
LONGEST_REASON = 300
_RUST_PANIC = 'pyo3_runtime'  # its PanicException is no Exception


class ForeignCode:
    """
    A context in which whatever is raised becomes a named error of ours.

    Errors of ours pass as they are; so do Ctrl-C, and the end of a process or of a generator.

    :param error: the child of :class:`LsdError` to raise
    :param problem: start of its sentence
    :param remedy: end of its sentence; empty: it ends with the reason
    """

    __slots__ = ('_error', '_problem', '_remedy')

    def __init__(self, error: type[LsdError], problem: str, remedy: str = '') -> None:
        self._error, self._problem, self._remedy = error, problem, remedy

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """
        Translate the error.

        :raises LsdError: something was raised
        """
        if error is None or isinstance(error, LsdError) or not _is_failure(error):
            return
        why = reason(error)
        ending = f' ({why}): {self._remedy}' if self._remedy else f': {why}'
        raise self._error(self._problem + ending) from error


def translated(error: type[LsdError], problem: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """
    Make a function whose foreign errors become ours.

    :raises LsdError: as :class:`ForeignCode`
    """

    def wrapped(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with ForeignCode(error, problem):
                return function(*args, **kwargs)

        return call

    return wrapped


def iterated(items: Iterator[T], error: type[LsdError], problem: str) -> Iterator[T]:
    """
    Take the items of a foreign iterator; what their user raises is not touched.

    :raises LsdError: as :class:`ForeignCode`
    """
    while True:
        with ForeignCode(error, problem):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def reason(error: BaseException) -> str:
    """Say in a few words what went wrong, as text for a terminal."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return 'it asks for more memory than there is'
    if isinstance(error, RecursionError):
        return 'it is nested too deeply'
    if isinstance(error, KeyError):
        return f'{printable(str(error))} is missing'
    text = getattr(error, 'err', None) or str(error)  # the rest of cv2.error is about its source
    text = printable(' '.join(str(text).split()))
    if len(text) > LONGEST_REASON:
        text = text[:LONGEST_REASON] + ' ...'
    return text or type(error).__name__


def _is_failure(error: BaseException) -> bool:
    return isinstance(error, Exception) or type(error).__module__ == _RUST_PANIC
