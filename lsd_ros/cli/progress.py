"""How far long work has come, for people at a terminal."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

from lsd_ros.foreign.printable import printable


@contextlib.contextmanager
def progress(
    what: str, total: int | None, unit: str = 'frame', done: int = 0
) -> Iterator[Callable[[], object]]:
    """
    Show a bar on stderr while the block runs: only at a terminal, and where tqdm is installed.

    :param total: None where it is not known
    :param done: how much of it was done before
    :return: what to call after each piece of work
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    try:
        from tqdm import tqdm
        from tqdm.contrib.logging import logging_redirect_tqdm
    except ImportError:
        yield lambda: None
        return
    with (
        logging_redirect_tqdm([logging.getLogger('lsd_ros')]),
        tqdm(
            desc=printable(what),
            total=total,
            unit=unit,
            initial=done,
            file=sys.stderr,
            leave=False,
        ) as bar,
    ):
        yield bar.update


@contextlib.contextmanager
def growing_progress(what: str, unit: str = 'frame') -> Iterator[Callable[[int, int], object]]:
    """
    Show a bar as :func:`progress` does, for work that turns up while it is done.

    :return: what to call with how many more pieces are done, and how many more there are
    """
    total = 0
    with progress(what, None, unit) as advance:
        bar = getattr(advance, '__self__', None)

        def grow(more_done: int, more: int) -> None:
            nonlocal total
            total += more
            if bar is not None:
                bar.total = total
                bar.update(more_done)

        yield grow
