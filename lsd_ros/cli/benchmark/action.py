"""``lsd_ros benchmark``: time and memory, per stage and end to end, for every backend."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
from collections.abc import Iterator, Sequence
from typing import Any

from lsd_ros import settings
from lsd_ros.cli.benchmark import LIVE_OPTIONS
from lsd_ros.cli.benchmark import live as benchmark_live
from lsd_ros.cli.benchmark.interleaved import AGAIN, ROW_HEAD, ratio_rows, ratios
from lsd_ros.cli.benchmark.resources import machine, peak_bytes, resident_bytes
from lsd_ros.cli.benchmark.stage_timing import Contender, NoisyCamera
from lsd_ros.cli.engine_setup import engine_settings
from lsd_ros.cli.node_arguments import called_metric
from lsd_ros.cli.printing import json_text, say, table
from lsd_ros.cli.progress import progress
from lsd_ros.errors import SettingError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.backends.choice import has_cuda
from lsd_ros.inference.backends.registry import CPU_BACKENDS, ONLY_CUDA_BACKENDS
from lsd_ros.inference.engine_settings import EngineSettings, MountSettings

FRAMES = 200
TURN = 10
SETTLING = 2  # frames at the start of a turn, while caches and threads still belong to the others


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    wanted: EngineSettings = engine_settings(given)
    if given.live is not None:
        return benchmark_live.run(given, wanted)
    _check_nothing_live(given)
    wanted = _of_a_robot(called_metric(wanted))
    source = NoisyCamera(given.width, given.height)
    names = list(dict.fromkeys(given.backends or installed_backends()))
    contenders = {name: Contender(_settings_of(name, wanted), source) for name in names}
    again = Contender(_settings_of(names[0], wanted), source)
    take_turns([*contenders.values(), again], given.frames or FRAMES)
    turns = {name: contender.turns for name, contender in contenders.items()}
    measured = {
        'machine': machine(),
        'camera_size': [given.width, given.height],
        'settings': settings.values(wanted),
        'memory': {'resident_bytes': resident_bytes(), 'peak_bytes': peak_bytes()},
        'backends': {name: contender.results() for name, contender in contenders.items()},
        # the first backend a second time: what it is off 1 by is noise
        'ratios': ratios({**turns, f'{names[0]}, {AGAIN}': again.turns}),
    }
    if given.json is not None:
        write_atomically(given.json, json_text(measured).encode() + b'\n')
    say('\n'.join(report(measured)))
    return 0


def _check_nothing_live(given: argparse.Namespace) -> None:
    for option in LIVE_OPTIONS:
        if getattr(given, option) not in (None, False):
            name = option.replace('_', '-')
            raise SettingError(f'--{name} is about the running node: give --live, too')


def installed_backends() -> list[str]:
    """Return every backend that can run here, fastest first."""
    names = ['cuda', *ONLY_CUDA_BACKENDS, *CPU_BACKENDS] if has_cuda() else CPU_BACKENDS
    return [name for name in names if name == 'cuda' or importlib.util.find_spec(name) is not None]


def take_turns(contenders: Sequence[Contender], frames: int) -> None:
    """Measure the same number of frames of each, a few at a time."""
    turns = [min(TURN, frames - done) for done in range(0, frames, TURN)]
    with progress('benchmark', frames * len(contenders)) as advance:
        for turn in turns:
            for contender in contenders:
                contender.take_turn(turn, SETTLING, advance)


def report(measured: dict[str, Any]) -> Iterator[str]:
    """Lay the results out for people."""
    width, height = measured['camera_size']
    yield f'{measured["machine"]["processor"]}, {measured["machine"]["cores"]} cores'
    yield f'camera {width} x {height} bgr8, times in ms'
    for name, results in measured['backends'].items():
        yield ''
        yield from _backend_report(name, results)
    yield ''
    yield from _comparison(measured['backends'])
    yield ''
    yield from table(['of a frame', *ROW_HEAD], list(ratio_rows(measured['ratios'])))
    yield f'ratios: median of the turns (middle half); {AGAIN}: off 1 by noise alone'
    memory = {name: value / 2**20 for name, value in measured['memory'].items()}
    yield ''
    yield (
        f'memory of this process: {memory["resident_bytes"]:.0f} MiB, '
        f'at most {memory["peak_bytes"]:.0f} MiB'
    )


def _backend_report(name: str, results: dict[str, Any]) -> Iterator[str]:
    width, height = results['network_size']
    how = f'{results["precision"]} precision on {results["device"]}'
    title = f'{name} in {how}, network {width} x {height}, {results["stages_by"]}'
    rows = [
        *results['stages_ms'].items(),
        ('network', results['network_ms']),
        ('around it', results['around_network_ms']),
        ('safety checks', results['safety_ms']),
        ('CPU time', results['cpu_ms']),
        ('end to end, as time passes', results['end_to_end_ms']),
    ]
    keys = ('p50', 'p95', 'p99')
    cells = [[stage, *(f'{times[key]:.2f}' for key in keys)] for stage, times in rows]
    yield from table([title, *keys], cells)


def _comparison(backends: dict[str, Any]) -> Iterator[str]:
    rows = [
        [
            name,
            f'{results["frames_per_s"]:.1f}',
            f'{results["around_over_network"]:.2f}',
            f'{results["safety_share"]:.1%}',
            f'{results["added_memory_bytes"] / 2**20:.0f}',
        ]
        for name, results in backends.items()
    ]
    head = ['backend', 'frames/s', 'around / network', 'safety checks', 'added MiB']
    yield from table(head, rows)


def _of_a_robot(wanted: EngineSettings) -> EngineSettings:
    """Put the camera somewhere, where nothing else is said: else there would be no scan."""
    if wanted.mount != MountSettings():
        return wanted
    return dataclasses.replace(wanted, mount=MountSettings(z_m=1.0))


def _settings_of(backend: str, wanted: EngineSettings) -> EngineSettings:
    if backend == 'cuda':
        return dataclasses.replace(wanted, backend='torch', device='cuda')
    if backend in ONLY_CUDA_BACKENDS:
        return dataclasses.replace(wanted, backend=backend, device='cuda')
    return dataclasses.replace(wanted, backend=backend, device='cpu')
