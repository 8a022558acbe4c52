"""
What it takes to make training sequences of a bag: wall time, CPU time and memory.

The bag is made here: JPEG images at 10 Hz with camera info, a walk up and down a sequence.

    python experiments/speed/extraction.py SEQUENCE --minutes 10
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import psutil

from lsd_ros.bags.writer import BagWriter
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.messages import encode

RATE_HZ = 10
TOPIC = '/camera/image_raw/compressed'
GRAIN, MOST = 8, 255  # grey levels of noise, and of an image
LOOK_S = 0.2  # how often memory is looked at


def main() -> None:
    """Make the bag, extract it, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('sequence', type=Path)
    parser.add_argument('--minutes', type=float, default=10)
    parser.add_argument('--width', type=int, default=640)
    given = parser.parse_args()
    count = round(60 * RATE_HZ * given.minutes)
    with tempfile.TemporaryDirectory() as folder:
        bag = Path(folder) / 'bag'
        write(bag, Sequence(given.sequence), count, given.width)
        size = sum(file.stat().st_size for file in bag.iterdir()) / 2**20
        began = time.monotonic()
        cpu_s, mib = taken(
            ['-m', 'lsd_ros.cli.main', 'extract', str(bag), '--out', f'{folder}/out']
        )
        wall_s = time.monotonic() - began
        kept = len(list(Path(folder).glob('out/*/images/*')))
    print('| images | bag | kept | wall | CPU time | most memory |')
    print('|---|---|---|---|---|---|')
    print(
        f'| {count} | {size:.0f} MiB | {kept} | {wall_s:.0f} s | {cpu_s:.0f} s | {mib:.0f} MiB |'
    )


def write(path: Path, sequence: Sequence, count: int, width: int) -> None:
    """Write a bag of that many JPEG images, as wide as asked for, no two the same."""
    camera = sequence.camera.resized(
        width, round(width * sequence.camera.height / sequence.camera.width)
    )
    size = camera.width, camera.height
    noise = np.random.default_rng(0)
    with BagWriter(path) as writer:
        for index in range(count):
            there, place = divmod(index, len(sequence) - 1)
            place = len(sequence) - 1 - place if there % 2 else place
            seen = sequence.frame(place).image
            image = cv2.resize(seen, size, interpolation=cv2.INTER_CUBIC)
            grain = noise.integers(0, GRAIN, image.shape, dtype=np.uint8)
            stamp_ns = 10**9 + index * 10**9 // RATE_HZ
            noisy = (np.minimum(image, MOST - grain) + grain).astype(np.uint8)
            message = encode.compressed_image(writer.types, noisy, stamp_ns, 'camera')
            writer.add(TOPIC, message, stamp_ns)
            info = encode.camera_info(writer.types, camera, stamp_ns, 'camera')
            writer.add('/camera/camera_info', info, stamp_ns)


def taken(words: list[str]) -> tuple[float, float]:
    """Return the CPU time [s] of a call and its children, and their most memory [MiB]."""
    run = psutil.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    most = 0.0
    while run.poll() is None:
        used = 0
        for process in (run, *run.children(recursive=True)):
            with suppress(psutil.Error):  # it may have ended
                used += process.memory_full_info().pss
        most = max(most, used / 2**20)
        time.sleep(LOOK_S)
    if run.returncode:
        raise SystemExit(run.returncode)
    times = resource.getrusage(resource.RUSAGE_CHILDREN)
    return times.ru_utime + times.ru_stime, most


if __name__ == '__main__':
    main()
