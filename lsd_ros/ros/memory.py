"""How much memory this process holds."""

from __future__ import annotations

import os
from pathlib import Path

MIB = 2**20
_PAGES = Path('/proc/self/statm')


def resident_mib() -> float | None:
    """Return what this process holds in RAM [MiB]; None where the system does not say."""
    try:
        pages = int(_PAGES.read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf('SC_PAGE_SIZE') / MIB


def cuda_mib() -> float:
    """Return what torch holds on the CUDA device, its caches included [MiB]."""
    import torch  # it is there already, where anything runs on CUDA

    return torch.cuda.memory_reserved() / MIB
