from __future__ import annotations

import mmap
import subprocess
import sys
import time

import pytest

from lsd_ros.cli.benchmark.resources import Meter, peak_bytes, resident_bytes, usage
from lsd_ros.errors import RosError

GREEDY = """
import sys
print('here', flush=True)
sys.stdin.readline()
held = b'x' * 50_000_000
while True: pass
"""


def test_what_a_process_uses_is_seen() -> None:
    with subprocess.Popen(
        [sys.executable, '-c', GREEDY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()
            before = usage(process.pid)
            process.stdin.write('\n')
            process.stdin.flush()
            meter = Meter({'greedy': process.pid})
            while (after := usage(process.pid)).cpu_s < before.cpu_s + 0.5:
                meter.note()
                time.sleep(0.05)
            meter.note()
        finally:
            process.kill()
    assert after.resident_bytes - before.resident_bytes > 45e6
    found = meter.results(frames=2000)
    assert 0 < found['greedy']['cpu_share'] < 1.2
    assert found['others']['cpu_share'] >= 0
    assert found['greedy']['resident_bytes']['most'] > 45e6
    assert meter.results(frames=10)['greedy']['growth_bytes_per_1000_frames'] is None


def test_a_process_that_is_gone_cannot_be_measured() -> None:
    with subprocess.Popen([sys.executable, '-c', '']) as process:
        process.wait()
    with pytest.raises(RosError, match=f'cannot measure process {process.pid}'):
        usage(process.pid)


def test_memory_that_is_taken_is_seen() -> None:
    before = resident_bytes()
    with mmap.mmap(-1, 64 * 2**20) as taken:  # not from what an earlier test has freed
        taken.write(b'x' * len(taken))
        assert resident_bytes() - before > 56 * 2**20
    assert peak_bytes() - before > 56 * 2**20, 'also when it was given back'
