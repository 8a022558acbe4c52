from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import json, resource
import numpy as np
from lsd_ros.training.allocator import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        np.ones(20_000_000, np.float32)  # 80 MB, 20,000 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

by_itself, accepted = faults(), keep_freed_memory()
faults()  # the memory is taken once
print(json.dumps([by_itself, accepted, faults()]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='another C library keeps it or not')
def test_large_memory_is_taken_from_the_kernel_only_once() -> None:
    run = subprocess.run(
        [sys.executable, '-c', COUNT_FAULTS], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    by_itself, accepted, kept = json.loads(run.stdout)
    assert accepted
    # huge pages would make few faults of many
    assert kept < max(100, by_itself / 10)
