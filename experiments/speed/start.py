"""
What it takes from the start of a process to the first depth: CPU time and memory.

Each start is a process of its own, and the variants take turns. They have a cache of their own,
which the first start of each fills: that one is not counted.

    python experiments/speed/start.py --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

START = """
import json, resource, sys
if 'torch' in sys.argv:
    import torch
import numpy as np
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.types import Camera, Frame
engine = Engine.load(EngineSettings(backend=sys.argv[1], precision=sys.argv[2], threads=1))
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
    given = parser.parse_args()
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory() as cache:
        for number in range(given.rounds + 1):
            for name, words in VARIANTS.items():
                result = started(cache, *words)
                if number:
                    measured[name].append(result)
    base = middle(measured['OpenVINO'], 'cpu_s')
    print('| | CPU time | of OpenVINO | most memory | imports torch |')
    print('|---|---|---|---|---|')
    for name, results in measured.items():
        seconds, mib = middle(results, 'cpu_s'), middle(results, 'mib')
        torch = 'yes' if results[0]['torch'] else 'no'
        print(f'| {name} | {seconds:.2f} s | {seconds / base:.2f} | {mib:.0f} MiB | {torch} |')


def started(cache: str, *words: str) -> dict[str, float]:
    """Start a process with its own cache folder, and return what it took."""
    run = subprocess.run(
        [sys.executable, '-c', START, *words],
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
