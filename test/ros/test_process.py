"""A process of ROS ends, whatever its middleware does."""

from __future__ import annotations

import subprocess
import sys

HANGS = """
import time
from lsd_ros.ros import process

process.PATIENCE_S = 0.2
with process.ending():
    time.sleep({seconds})
print('ended')
"""


def run(seconds: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', HANGS.format(seconds=seconds)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_a_hanging_end_is_cut_off_and_says_where_it_stood() -> None:
    ended = run(60)
    assert ended.returncode == 1
    assert 'Timeout' in ended.stderr
    assert 'line 7 in <module>' in ended.stderr


def test_a_swift_end_is_left_alone() -> None:
    ended = run(0)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, 'ended\n', '')


def test_opencv_starts_no_threads_of_its_own() -> None:
    program = """
import os
import cv2, numpy as np
from lsd_ros.ros import process

process.rest_opencv()
before = len(os.listdir('/proc/self/task'))
cv2.resize(np.zeros((2000, 2000, 3), np.uint8), (500, 500), interpolation=cv2.INTER_AREA)
print(len(os.listdir('/proc/self/task')) - before)
"""
    ended = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=50, check=False
    )
    assert (ended.stdout, ended.stderr) == ('0\n', '')
