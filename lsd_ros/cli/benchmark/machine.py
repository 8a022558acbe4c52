"""What something was measured on."""

from __future__ import annotations

import os
import platform
from typing import Any

from lsd_ros import __version__
from lsd_ros.inference.backends.processor import processor_name


def machine() -> dict[str, Any]:
    """Say what it was measured on."""
    import torch

    return {
        'lsd_ros': __version__,
        'processor': processor_name(),
        'cores': len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else None,
        'system': platform.platform(),
        'python': platform.python_version(),
        'torch': torch.__version__,
    }
