"""Jobs in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

STARTS_A_JOB = """
import sys
from lsd_ros.datasets.job_processes import run_jobs
sys.path.insert(0, sys.argv[1])
from test_job_processes import waiting
list(run_jobs(waiting, [(sys.argv[2],)], 1, print, apart=True))
"""


def waiting(path: str, _: object) -> None:
    """Say who works, and say nothing more for a long time."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def test_a_job_ends_with_a_process_that_was_killed_without_a_word(tmp_path: Path) -> None:
    said = tmp_path / 'pid'
    call = [sys.executable, '-c', STARTS_A_JOB, str(Path(__file__).parent), str(said)]
    with subprocess.Popen(call, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not (said.exists() and said.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        job = psutil.Process(int(said.read_text()))
        process.send_signal(signal.SIGKILL)
    assert job.wait(30) is None, 'it is no child of ours, and has no exit code'
    assert not job.is_running()
