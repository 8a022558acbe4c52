"""
What does the shape of the small depth network cost? Time alone, with random weights, in turns.

    python experiments/speed/shapes.py [--rounds 20] [--json shapes.json] [--only NAME ...]

Every shape runs in OpenVINO on one thread, in f32 and in bf16, at 416 x 128. Ratios are of CPU
time, to the default shape; ``again`` is the default shape a second time. Time is no reason alone:
a shape that is faster may be less accurate.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lsd_ros.cli.benchmark.interleaved import AGAIN, ROW_HEAD, in_turns, ratio_rows, ratios
from lsd_ros.cli.benchmark.resources import machine
from lsd_ros.cli.printing import json_text, say, table
from lsd_ros.foreign.output_paths import check_writable
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.backends.inference_network import InferenceNetwork
from lsd_ros.inference.backends.openvino import runner
from lsd_ros.inference.rewrite import DepthInference
from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.weights import Weights, WeightsCard

DEFAULT = '16/32/64/160/320, read at 1/2'
SHAPES = {
    DEFAULT: {},
    # the same number of parameters, spread in another way
    '16/32/64/128/384': {'encoder_widths': (16, 32, 64, 128, 384)},
    '16/32/96/160/288': {'encoder_widths': (16, 32, 96, 160, 288)},
    '16/32/96/192/256': {'encoder_widths': (16, 32, 96, 192, 256)},
    '16/32/64/192/288': {'encoder_widths': (16, 32, 64, 192, 288)},
    '16/32/32/160/352': {'encoder_widths': (16, 32, 32, 160, 352)},
    '16/16/64/160/320': {'encoder_widths': (16, 16, 64, 160, 320)},
    '16/48/96/160/288': {'encoder_widths': (16, 48, 96, 160, 288)},
    '8/32/64/160/320': {'encoder_widths': (8, 32, 64, 160, 320)},
    '8/16/64/160/320': {'encoder_widths': (8, 16, 64, 160, 320)},
    '8/16/64/128/384': {'encoder_widths': (8, 16, 64, 128, 384)},
    '8/16/32/160/352': {'encoder_widths': (8, 16, 32, 160, 352)},
    '16/16/32/160/352': {'encoder_widths': (16, 16, 32, 160, 352)},
    '8/24/64/160/320': {'encoder_widths': (8, 24, 64, 160, 320)},
    '24/48/96/192/256': {'encoder_widths': (24, 48, 96, 192, 256)},
    '32/32/64/160/320': {'encoder_widths': (32, 32, 64, 160, 320)},
    '32/64/128/192/256': {'encoder_widths': (32, 64, 128, 192, 256)},
    # what is read
    'read at full resolution, 8 channels': {'read_level': 0},
    'read at full resolution, 16 channels': {'read_level': 0, 'full_width': 16},
    'read at 1/4': {'read_level': 2},
    # what is coded together
    'groups of 2': {'group_size': 2},
    'groups of 4': {'group_size': 4},
    'groups of 16': {'group_size': 16},
    'expansion 1': {'expansion': 1},
    'expansion 3': {'expansion': 3},
    'F_ct 1 x 1': {'transform_kernel': 1},
    # what the patent's own modules cost
    'paths added, not weighted': {'fusion': 'sum'},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--rounds', type=int, default=20)
    parser.add_argument('--json', type=Path)
    parser.add_argument('--only', nargs='+', choices=list(SHAPES), default=list(SHAPES))
    given = parser.parse_args()
    check_writable({'--json': given.json})
    torch.set_num_threads(1)
    found = {'machine': machine(), 'shapes': {}}
    with tempfile.TemporaryDirectory() as cache:
        os.environ['XDG_CACHE_HOME'] = cache  # the networks of the node stay where they are
        for precision in ('f32', 'bf16'):
            found['shapes'][precision] = measured(precision == 'bf16', given.rounds, given.only)
    for precision, shapes in found['shapes'].items():
        rows = [[*row[:3], *sizes(shapes[row[0]])] for row in ratio_rows(shapes)]
        say('\n'.join(table([precision, *ROW_HEAD[:2], 'M parameters', 'M operations'], rows)))
    if given.json is not None:
        given.json.write_text(json_text(found) + '\n')


def measured(half: bool, rounds: int, only: list[str]) -> dict[str, dict[str, float]]:
    """Measure shapes in one precision, and the default one twice."""
    chosen = {name: shape for name, shape in SHAPES.items() if name in only}
    shapes = {DEFAULT: {}, **chosen, AGAIN: {}}
    weights = {name: random_weights(**shape) for name, shape in shapes.items()}
    calls = {name: call_of(each, half) for name, each in weights.items()}
    found = ratios(in_turns(calls, rounds=rounds, calls=2))
    for name, each in weights.items():
        found[name]['parameters'] = sum(p.numel() for p in each.depth.parameters())
        found[name]['operations'] = operations(each)
    return found


def sizes(found: dict[str, float]) -> list[str]:
    """Lay out millions of parameters and of multiplications."""
    return [f'{found["parameters"] / 1e6:.2f}', f'{found["operations"] / 1e6:.0f}']


def random_weights(**shape: object) -> Weights:
    """Make random weights of some shape."""
    depth = SmallDepthNet(SmallDepthSettings(**shape)).eval()
    pose = PoseNet(PoseSettings(widths=(8,))).eval()
    card = WeightsCard('random', trained=False)
    return Weights(depth, pose, Preprocessing(), DisparityRange(0.1, 100.0), card)


def call_of(weights: Weights, half: bool) -> Callable[[], object]:
    """Return what runs the depth network once."""
    width, height = weights.preprocessing.width, weights.preprocessing.height
    plan = Plan(weights, width, height, threads=1, half=half)
    network = DepthInference(weights.depth, weights.preprocessing).eval()
    run = runner(InferenceNetwork.of(network), plan.image_shapes, plan)
    image = np.random.default_rng(0).integers(0, 256, plan.image_shapes[0], np.uint8)
    return lambda: run(image)


def operations(weights: Weights) -> int:
    """Count the multiplications of what is read of the trained network, for one image."""
    count = 0

    def add(module: nn.Conv2d, _: object, result: torch.Tensor) -> None:
        nonlocal count
        count += module.weight[0].numel() * result.numel()

    hooks = [
        module.register_forward_hook(add)
        for module in weights.depth.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with torch.inference_mode():
        weights.depth.read(
            torch.zeros(1, 3, weights.preprocessing.height, weights.preprocessing.width)
        )
    for hook in hooks:
        hook.remove()
    return count


if __name__ == '__main__':
    main()
