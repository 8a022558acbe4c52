"""What was measured of the running node, laid out for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lsd_ros.cli.printing import MISSING, table

MIB = 2**20
FRAMES = (
    'played',
    'lost',
    'received',
    'dropped',
    'withheld',
    'refused',
    'failed',
    'idle',
    'published',
)
KEYS = ('p50', 'p95', 'p99', 'max')
EXPLAINED = (
    'lost: between player and node; dropped: a newer one came while the node was busy; '
    'withheld: late, repeated, or while the node was blind; refused: the node said why'
)


def report(measured: dict[str, Any]) -> Iterator[str]:
    """Lay the results out."""
    yield from _circumstances(measured)
    yield ''
    yield from table(FRAMES, [[str(measured['frames'][name]) for name in FRAMES]])
    yield EXPLAINED
    yield (
        f'the middleware told the node of {measured["frames"]["lost_as_the_node_was_told"]} lost '
        'images'
    )
    if any(measured['frames'][name] for name in ('withheld', 'refused', 'failed')):
        yield f'the node says: {"; ".join(measured["diagnostics"]["sentences"])}'
    yield ''
    yield from _topics(measured)
    yield ''
    yield from _stages(measured)
    yield ''
    yield from _processes(measured['processes'])


def _circumstances(measured: dict[str, Any]) -> Iterator[str]:
    machine, source = measured['machine'], measured['source']
    yield (
        f'{machine["processor"]}, {machine["cores"]} cores, '
        f'load before {machine["load_before"]:.2f}'
    )
    yield (
        f'{source["name"]}: {source["width"]} x {source["height"]} {source["encoding"]} at '
        f'{source["rate_hz"]:.1f} Hz for {measured["seconds"]:.0f} s '
        f'after {measured["warm_up_s"]:.0f} s'
    )
    middleware = measured['middleware']
    environment = ', '.join(f'{name}={v}' for name, v in middleware['environment'].items())
    how = 'reliably' if measured['reliable'] else 'best effort'
    yield f'{middleware["name"]}, images {how}; {environment}'
    node = measured['diagnostics']['values']
    yield f'{node["backend"]} on {node["device"]}, weights {node["weights"]}'


def _topics(measured: dict[str, Any]) -> Iterator[str]:
    rows = [[topic, *_topic(seen)] for topic, seen in measured['topics'].items()]
    yield from table(['camera stamp to received, ms', 'messages', 'KiB', *KEYS, 'gaps'], rows)
    node = measured['node_ms']
    if node:
        yield (
            f'in the node, from arrival to published: p50 {node["p50"]:.1f} ms, '
            f'p95 {node["p95"]:.1f} ms (newest 100 frames)'
        )


def _topic(seen: dict[str, Any]) -> list[str]:
    latency = seen['latency_ms']
    times = [MISSING if latency is None else f'{latency[key]:.1f}' for key in KEYS]
    mean_kib = seen['bytes'] / seen['count'] / 1024
    return [str(seen['count']), f'{mean_kib:.0f}', *times, str(seen['gaps'])]


def _stages(measured: dict[str, Any]) -> Iterator[str]:
    stages = measured['stages_ms']
    whole = sum(stages.values())
    rows = [[name, f'{ms:.2f}', f'{ms / whole:.0%}'] for name, ms in stages.items() if whole]
    yield from table(['stage of the node', 'median ms', 'share'], rows)


def _processes(processes: dict[str, Any]) -> Iterator[str]:
    rows = [[name, *_process(used)] for name, used in processes.items()]
    head = ['process', 'of one core', 'MiB at start', 'at end', 'kB per 1000 frames']
    yield from table(head, rows)


def _process(used: dict[str, Any]) -> list[str]:
    share = f'{used["cpu_share"]:.0%}'
    if 'resident_bytes' not in used:
        return [share, MISSING, MISSING, MISSING]
    resident, growth = used['resident_bytes'], used['growth_bytes_per_1000_frames']
    per_1000 = MISSING if growth is None else f'{growth / 1024:.0f}'
    return [
        share,
        f'{resident["start"] / MIB:.1f}',
        f'{resident["end"] / MIB:.1f}',
        per_1000,
    ]
