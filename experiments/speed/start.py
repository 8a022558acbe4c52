"""
What it takes from the start of a process to the first depth: CPU time and memory.

Each start is a process of its own, and the variants take turns. Each has a cache of its own, which
its first start fills: that one has a column of its own.

    python experiments/speed/start.py --rounds 5
    python experiments/speed/start.py --without robot/bin/python

With ``--without``, an interpreter of an environment that has no torch, the same weights also start
there, from graphs that are exported first. Variants are chosen with ``--only``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from lsd_ros.models.shipped import weights_file

START = """
import json, resource, sys
if 'torch' in sys.argv:
    import torch
import numpy as np
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.types import Camera, Frame
engine = Engine.load(
    EngineSettings(weights=sys.argv[1], backend=sys.argv[2], precision=sys.argv[3], threads=1)
)
image = np.zeros((375, 1242, 3), np.uint8)
engine.process(Frame(1, 'camera', image, Camera(1242, 375, 720.0, 720.0, 620.5, 187.0)))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    'cpu_s': used.ru_utime + used.ru_stime, 'mib': used.ru_maxrss / 1024,
    'torch': 'torch' in sys.modules,
}))
"""
VARIANTS = {
    'chosen by measurement': ('auto', 'auto'),
    'OpenVINO': ('openvino', 'full'),
    'ONNX Runtime': ('onnxruntime', 'full'),
    'torch': ('torch', 'full'),
    'OpenVINO, torch imported first': ('openvino', 'full', 'torch'),
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--without', metavar='PYTHON', help='of an environment without torch')
    parser.add_argument('--only', nargs='+', choices=tuple(VARIANTS), default=tuple(VARIANTS))
    given = parser.parse_args()
    calls = {name: (sys.executable, *VARIANTS[name]) for name in given.only}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, 'street.safetensors')
        shutil.copy(weights_file('street'), weights)
        if given.without:
            calls |= {
                f'{name}, no torch': (given.without, *VARIANTS[name])
                for name in given.only
                if 'torch' not in VARIANTS[name]
            }
            export = [
                '-m',
                'lsd_ros.cli.main',
                'export',
                '--format',
                'graphs',
                '--weights',
                weights,
            ]
            subprocess.run([sys.executable, *export], check=True)
        measured: dict[str, list[dict[str, float]]] = {name: [] for name in calls}
        for _ in range(given.rounds + 1):
            for name, (python, *words) in calls.items():
                measured[name].append(started(f'{folder}/{name}', python, str(weights), *words))
    print('| | first start | CPU time | most memory | imports torch |')
    print('|---|---|---|---|---|')
    for name, (first, *others) in measured.items():
        seconds, mib = middle(others, 'cpu_s'), middle(others, 'mib')
        torch = 'yes' if others[0]['torch'] else 'no'
        print(f'| {name} | {first["cpu_s"]:.2f} s | {seconds:.2f} s | {mib:.0f} MiB | {torch} |')


def started(cache: str, python: str, *words: str) -> dict[str, float]:
    """Start a process with its own cache folder, and return what it took."""
    run = subprocess.run(
        [python, '-c', START, *words],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'XDG_CACHE_HOME': cache},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(run.stdout)
    return found


def middle(results: list[dict[str, float]], key: str) -> float:
    """Return the median of what several starts took."""
    return statistics.median(result[key] for result in results)


if __name__ == '__main__':
    main()
