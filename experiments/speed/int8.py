"""
What does int8 by NNCF bring the depth network on the CPU, and what does it cost?

    pip install nncf
    python experiments/speed/int8.py --weights street --calibrate SEQUENCE ... --held-out SEQUENCE
        [--last 201 --step 4] [--judge SEQUENCE] [--only SETTING ...] [--rounds 15]

Each setting is held against OpenVINO f32: how far its depth is from that of f32 on images that it
was not calibrated with, by which settings are chosen; the AbsRel of ``lsd_ros evaluate`` on a
sequence with true depth, by which they are judged; and CPU time, one thread, in turns. ``again``
is f32 a second time. All images must have the shape that the first one has as the network sees it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nncf
import numpy as np
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix
from numpy.typing import NDArray

from lsd_ros import settings
from lsd_ros.cli.benchmark.interleaved import AGAIN, Ratio, in_turns, ratios
from lsd_ros.cli.evaluate.action import EVERY_DEPTH
from lsd_ros.cli.evaluate.scoring import Protocol, score_depth
from lsd_ros.cli.printing import say, table
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.inference.backends.base import NetworkPair
from lsd_ros.inference.backends.openvino import OpenVinoBackend, converted, the_core
from lsd_ros.inference.backends.processor import processor_name
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.rewrite import depth_inference
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.models.weights import Weights
from lsd_ros.publication.publication_settings import GuardedSettings

Images = list[NDArray[np.uint8]]
Depths = list[NDArray[np.float32]]
F32 = 'f32'
# by the names that OpenVINO's operations have
WEIGHTING = ('.*share.*', '.*mean_(in|coded|small).*', '.*head.*')
SUMS = (r'__module\.body\.(encoder|decoder)\.\d/aten::(mul|add|sub)/.*',)
DEPTHWISE = (r'.*\.code\..*GroupConv.*',)


def without(*patterns: str) -> dict[str, Any]:
    """Return the options of NNCF that leave operations in f32."""
    return {'ignored_scope': nncf.IgnoredScope(patterns=list(patterns), validate=False)}


# 7 bits of weights: without VNNI, sums of two products of 8 bits saturate
NO_OVERFLOW = {
    'preset': nncf.QuantizationPreset.MIXED,
    'advanced_parameters': AdvancedQuantizationParameters(overflow_fix=OverflowFix.ENABLE),
}
SETTINGS: dict[str, dict[str, Any]] = {
    'all': {},
    'weighting, head f32': without(*WEIGHTING),
    'sums f32, too; mixed, 7 bits': without(*WEIGHTING, *SUMS) | NO_OVERFLOW,
    'depthwise f32, too': without(*WEIGHTING, *SUMS, *DEPTHWISE) | NO_OVERFLOW,
}


def main() -> None:
    """Quantise, measure and print."""
    given = options()
    nncf.set_log_level(40)  # errors
    weights = load_weights(given.weights)
    held_out = open_sequences([given.held_out])[0]
    images = calibration(weights, open_sequences(given.calibrate), held_out, given)
    seen = prepared(weights, held_out, range(len(held_out))[-given.last :: given.step])
    network = depth_inference(weights)
    models = {F32: converted(network, images[0].shape)}
    for name in given.only:
        fresh = converted(network, images[0].shape)
        data = nncf.Dataset(images)
        models[name] = nncf.quantize(fresh, data, subset_size=len(images), **SETTINGS[name])
    compiled = {name: compiled_model(model) for name, model in models.items()}
    calls = {name: call_of(each, seen[0]) for name, each in compiled.items()}
    calls[AGAIN] = call_of(compiled[F32], seen[0])
    times = ratios(in_turns(calls, rounds=given.rounds))
    wanted = depths(weights, compiled[F32], seen)
    rows = []
    for name in calls:
        run = compiled[F32 if name == AGAIN else name]
        off = difference(depths(weights, run, seen), wanted)
        figure = f'{abs_rel(given.weights, run, given.judge):.4f}' if given.judge else ''
        rows.append([name, f'{off:.4f}', figure, str(Ratio(**times[name]['cpu_ratio']))])
    say(f'{given.weights}, {processor_name()}')
    say('\n'.join(table(['setting', 'off f32', 'AbsRel', 'CPU ratio'], rows)))


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    add = parser.add_argument
    add('--weights', default='street')
    add('--calibrate', nargs='+', type=Path, required=True, metavar='SEQUENCE')
    add('--images', type=int, default=100, help='to calibrate with (default: %(default)s)')
    add('--held-out', type=Path, required=True, metavar='SEQUENCE')
    add('--last', type=int, default=100, help='images of it that count, the last ones')
    add('--step', type=int, default=2, help='one of so many of them is taken')
    add('--judge', type=Path, metavar='SEQUENCE', help='with true depth')
    add('--only', nargs='+', choices=list(SETTINGS), default=list(SETTINGS))
    add('--rounds', type=int, default=15)
    return parser.parse_args()


def calibration(
    weights: Weights,
    sequences: Sequence[TrainingSequence],
    held_out: TrainingSequence,
    given: argparse.Namespace,
) -> Images:
    """Return images from all over the sequences; what is held out is not among them."""
    images: Images = []
    for sequence in sequences:
        count = len(sequence) - (given.last if sequence.name == held_out.name else 0)
        taken = np.linspace(0, count - 1, given.images // len(sequences)).astype(int)
        images += prepared(weights, sequence, [int(index) for index in taken])
    return images


def prepared(weights: Weights, sequence: TrainingSequence, taken: Sequence[int]) -> Images:
    """Return images as the network sees them, shape (1, h, w, 3) each."""
    return [weights.preprocessing.prepare(sequence.image(index), None)[0][None] for index in taken]


def compiled_model(model: Any) -> Any:
    """Compile a model as the backend does, for one thread."""
    wanted = {
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_NUM_THREADS': 1,
        'INFERENCE_PRECISION_HINT': 'f32',
    }
    return the_core().compile_model(model, 'CPU', wanted)


def call_of(compiled: Any, image: NDArray[np.uint8]) -> Callable[[], object]:
    """Return what runs a network once."""
    return lambda: compiled([image])


def depths(weights: Weights, compiled: Any, images: Images) -> Depths:
    """Return the depth of images, up to scale, shape (h, w) each."""
    far, near = 1 / weights.depths.max_depth, 1 / weights.depths.min_depth
    return [1 / (compiled([image])[0][0, 0] * (near - far) + far) for image in images]


def difference(found: Depths, wanted: Depths) -> float:
    """Return the mean of the median scaled relative differences of depth."""
    scaled = (
        one * np.median(other) / np.median(one) for one, other in zip(found, wanted, strict=True)
    )
    return float(np.mean([np.mean(abs(a - b) / b) for a, b in zip(scaled, wanted, strict=True)]))


def abs_rel(weights: str, compiled: Any, path: Path) -> float:
    """Return the AbsRel that ``lsd_ros evaluate`` would say, median scaled."""
    given = {'weights': weights, 'precision': 'full', 'threads': 1, **EVERY_DEPTH}

    class Quantised(OpenVinoBackend):
        """A network that is there; nothing asks for motion."""

        def __init__(self) -> None:
            NetworkPair.__init__(self, self._run, self._run, half=False)

        @staticmethod
        def _run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
            result: NDArray[np.float32] = compiled([images])[0]
            return result

    wanted = settings.build(GuardedSettings, given)
    engine = Engine.load(wanted, opened=lambda *_: Quantised())
    return float(score_depth(engine, open_sequences([path])[0], Protocol())['abs_rel'])


if __name__ == '__main__':
    main()
