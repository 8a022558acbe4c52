"""How far long work has come, for people at a terminal."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(what: str, total: int | None, unit: str = 'frame') -> Iterator[Callable[[], object]]:
    """
    Show a bar on stderr while the block runs: only at a terminal, and where tqdm is installed.

    :param total: None where it is not known
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
        tqdm(desc=what, total=total, unit=unit, file=sys.stderr, leave=False) as bar,
    ):
        yield bar.update
