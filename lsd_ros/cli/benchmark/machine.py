"""What something was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from lsd_ros import __version__


def machine() -> dict[str, Any]:
    """Say what it was measured on."""
    import torch

    return {
        'lsd_ros': __version__,
        'processor': _processor(),
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else None,
        'system': platform.platform(),
        'python': platform.python_version(),
        'torch': torch.__version__,
    }


def _processor() -> str:
    try:
        text = Path('/proc/cpuinfo').read_text()
    except OSError:
        return platform.processor()
    names = (line.partition(':')[2].strip() for line in text.splitlines() if 'model name' in line)
    return next(names, platform.processor())
