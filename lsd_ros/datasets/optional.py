"""Libraries that come with extras: imported where used, missed with a sentence."""

from __future__ import annotations

import importlib
from typing import Any

from lsd_ros.errors import DatasetError


def require(library: str) -> Any:
    """
    Import a library that reading and writing bags needs.

    :raises DatasetError: it is not installed
    """
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise DatasetError(
            f'bags need the Python library {error.name or library}: install lsd_ros[bags]'
        ) from error
