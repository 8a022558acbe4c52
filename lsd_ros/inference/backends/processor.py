"""What processor this is."""

from __future__ import annotations

import platform
from pathlib import Path


def processor_name() -> str:
    """Return what the processor calls itself; empty where nobody says it."""
    return _field('model name') or platform.processor()


def processor_flags() -> frozenset[str]:
    """Return the extensions that it has; empty where nobody says it."""
    return frozenset(_field('flags').split())


def _field(wanted: str) -> str:
    """Return what Linux says of the first processor."""
    try:
        text = Path('/proc/cpuinfo').read_text()
    except OSError:
        return ''
    fields = (line.partition(':') for line in text.splitlines())
    return next((value.strip() for name, _, value in fields if name.strip() == wanted), '')
