"""Libraries that come with extras: imported where used, missed with a sentence."""

from __future__ import annotations

import importlib
import importlib.metadata
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
        raise DatasetError(
            f'{purpose} need{"" if purpose == "bags" else "s"} the Python library '
            f'{error.name or library}: install lsd_ros[{extra}]'
        ) from error


def version_of(library: str) -> str | None:
    """Return the version of a library, which is not loaded for it; None: it is not installed."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
