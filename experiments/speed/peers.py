"""
How fast is the depth network beside others of its kind? All in one run, in turns, on the CPU.

    python experiments/speed/peers.py [--rounds 20] [--threads 1] [--json peers.json]

Each network runs from bytes to its finest map, at 416 x 128, batch 1, with random weights, in
every backend and precision that is here. Ratios are of CPU time to ours in OpenVINO f32, median
of the rounds; ``again`` is the same once more, and what it is off 1 by is noise. ``part by part``
is our network without the rewriting of its weighting modules.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from peer_networks import PEERS
from torch import Tensor, nn

from lsd_ros.cli.benchmark.interleaved import AGAIN, Ratio, in_turns, ratios
from lsd_ros.cli.benchmark.resources import machine
from lsd_ros.cli.printing import MISSING, json_text, say, table
from lsd_ros.foreign.output_paths import check_writable
from lsd_ros.inference.backends import onnxruntime, openvino, torch_cpu
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.backends.inference_network import InferenceNetwork
from lsd_ros.inference.rewrite import PlainDepthNet, ReadHead, depth_inference
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.preprocessing import Preprocessing

OURS, PARTS = 'ours', 'ours, part by part'
COLUMNS = ('OpenVINO f32', 'ONNX Runtime f32', 'torch f32', 'OpenVINO bf16', 'torch bf16')
MODULES = {'OpenVINO': 'openvino', 'ONNX': 'onnxruntime', 'torch': 'torch'}
SIZE = (416, 128)


class FromBytes(nn.Module):
    """A network behind the same normalisation that ours has."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.normalise, self.network = Normalise(Preprocessing()), network

    def forward(self, image: Tensor) -> Tensor:
        """Return what is read, float32."""
        return self.network(self.normalise(image)).float()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--json', type=Path)
    given = parser.parse_args()
    check_writable({'--json': given.json})
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as cache:
        os.environ['XDG_CACHE_HOME'] = cache  # the networks of the node stay where they are
        calls = contenders(given.threads)
    found = ratios(in_turns(calls, rounds=given.rounds, calls=2))
    say('\n'.join(report(found)))
    if given.json is not None:
        everything = {'machine': machine(), 'threads': given.threads, 'networks': found}
        given.json.write_text(json_text(everything) + '\n')


def networks() -> dict[str, nn.Module]:
    """Make all networks, from bytes to what is read."""
    weights = untrained_weights()
    parts = nn.Sequential(PlainDepthNet(weights.depth), ReadHead(weights.depth))
    made = {OURS: depth_inference(weights), PARTS: FromBytes(parts)}
    made |= {name: FromBytes(peer()) for name, peer in PEERS.items()}
    return {name: network.eval().requires_grad_(False) for name, network in made.items()}


def contenders(threads: int) -> dict[str, Callable[[], object]]:
    """Compile every network in every way, ours in OpenVINO f32 first and a second time."""
    made = networks()
    calls = {f'{OURS}, {COLUMNS[0]}': call_of(made[OURS], COLUMNS[0], threads)}
    for column in COLUMNS:
        if importlib.util.find_spec(MODULES[column.split()[0]]) is None:
            continue
        for name, network in made.items():
            calls.setdefault(f'{name}, {column}', call_of(network, column, threads))
    calls[AGAIN] = call_of(made[OURS], COLUMNS[0], threads)
    return calls


def call_of(network: nn.Module, column: str, threads: int) -> Callable[[], object]:
    """Return what runs a network once in one way."""
    plan = Plan(untrained_weights(), *SIZE, threads=threads, half=column.endswith('bf16'))
    image = np.random.default_rng(0).integers(0, 256, plan.image_shapes[0], np.uint8)
    if column.startswith('OpenVINO'):
        run = openvino.runner(InferenceNetwork.of(network), plan.image_shapes, plan)
    elif column.startswith('ONNX'):
        run = onnxruntime.runner(InferenceNetwork.of(network), plan.image_shapes, plan)
    else:
        kind = torch.bfloat16 if plan.half else torch.float32
        run = torch_cpu.runner(copy.deepcopy(network).to(kind), len_of_one=1)
    return lambda: run(image)


def report(found: dict[str, dict[str, object]]) -> list[str]:
    """Lay the ratios out, a row for each network."""
    rows = []
    for name, network in networks().items():
        count = sum(p.numel() for p in network.parameters()) / 1e6
        cells = [found.get(f'{name}, {column}') for column in COLUMNS]
        ratio = [
            MISSING if cell is None else f'{cell["cpu_ratio"]["median"]:.2f}' for cell in cells
        ]
        rows.append([name, f'{count:.2f}', *ratio])
    again = Ratio(**found[AGAIN]['cpu_ratio'])
    lines = list(table(['network', 'M parameters', *COLUMNS], rows))
    return [*lines, f'{OURS} in {COLUMNS[0]} {AGAIN}: {again}']


if __name__ == '__main__':
    main()
