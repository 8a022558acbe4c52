"""Libraries that come with extras: imported where used, missed with a sentence."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from typing import Any

from lsd_ros.errors import DatasetError


def require(library: str, purpose: str = 'bags', extra: str = 'bags') -> Any:
    """
    Import a library that some work needs.

    :param purpose: the work, in the plural or without an article
    :param extra: of the package that brings the library

    :raises DatasetError: it is not installed
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise _missing(error.name or library, purpose, extra) from error


def check_installed(library: str, purpose: str, extra: str) -> None:
    """
    Check that a library is there which only a process of its own may import.

    The parameters are those of :func:`require`.

    :raises DatasetError: it is not installed
    """
    if importlib.util.find_spec(library) is None:
        raise _missing(library, purpose, extra)


def version_of(library: str) -> str | None:
    """Return the version of a library, which is not loaded for it; None: it is not installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def _missing(library: str, purpose: str, extra: str) -> DatasetError:
    return DatasetError(
        f'{purpose} need{"" if purpose == "bags" else "s"} the Python library {library}: install '
        f'lsd_ros[{extra}]'
    )
