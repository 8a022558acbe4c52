"""
The first contact with a card: tests, times and a trace, in about ten minutes.

    python experiments/gpu/run.py [--out gpu] [--rounds 200]

Needs a CUDA build of torch, which brings Triton. Writes into ``--out``:

- ``tests.txt``: the tests that need a card (equality of the captured graphs, full memory, mixed
  precision) and those of the kernels, on the card,
- ``benchmark.json``: a camera frame through everything, on CUDA and in the backends of the CPU,
- ``times.json``: the depth network eager, compiled by inductor, captured, and of kernels alone, in
  half and in full precision; each part that there is a kernel for, as torch computes it and as
  that kernel; median, microseconds,
- ``trace.json``: one eager frame, for chrome://tracing.

Nothing of it was ever run on a card.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from lsd_ros.inference.backends.cuda import CudaNetwork
from lsd_ros.inference.folding import folded, rewrite
from lsd_ros.inference.kernels.block import Numbers, coded, numbers
from lsd_ros.inference.kernels.depth_net import KernelDepthNet
from lsd_ros.inference.kernels.ends import (
    FirstNumbers,
    HeadNumbers,
    first_numbers,
    from_bytes,
    head_numbers,
    read_head,
)
from lsd_ros.inference.kernels.weighting import Matrices, matrices, weighted_sum
from lsd_ros.inference.rewrite import ReadHead, channels_last, depth_inference
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.weighting import WeightedSum

ROOT = Path(__file__).parents[2]
SHAPE = (1, 128, 416, 3)
TESTS = (
    'test/inference/test_backends.py',
    'test/inference/test_fallback.py',
    'test/inference/test_kernels.py',
    'test/training/test_precision.py',
)


def main() -> int:
    """Run everything; a part that fails does not keep back the rest."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--out', type=Path, default=Path('gpu'))
    parser.add_argument('--rounds', type=int, default=200)
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print('torch sees no CUDA device: nothing to measure', file=sys.stderr)
        return 1
    given.out.mkdir(parents=True, exist_ok=True)
    print(torch.cuda.get_device_name(), torch.__version__)
    tests = _run([sys.executable, '-m', 'pytest', '-q', '-rs', *TESTS])
    (given.out / 'tests.txt').write_text(tests.stdout)
    print(tests.stdout.strip().split('\n')[-1])
    bench = [sys.executable, '-m', 'lsd_ros.cli.main', 'benchmark', '--json']
    print(_run([*bench, str(given.out.resolve() / 'benchmark.json')]).stdout)
    found = {'device': torch.cuda.get_device_name(), 'torch': torch.__version__}
    found['microseconds'] = {**network_times(given.rounds), **kernel_times(given.rounds)}
    found['microseconds'] |= {**block_times(given.rounds), **end_times(given.rounds)}
    (given.out / 'times.json').write_text(json.dumps(found, indent=2) + '\n')
    print(json.dumps(found, indent=2))
    write_trace(given.out / 'trace.json')
    return tests.returncode


def network_times(rounds: int) -> dict[str, float | str]:
    """Time the depth network in every form."""
    times: dict[str, float | str] = {}
    images = torch.randint(0, 256, SHAPE, dtype=torch.uint8)
    on_card = images.cuda()
    for name, kind in (('full', torch.float32), ('half', torch.float16)):
        network = channels_last(depth_inference(untrained_weights()).to('cuda', kind))
        captured = CudaNetwork(network, SHAPE)
        forms: dict[str, Callable[[], object]] = {
            'eager': lambda network=network: network(on_card),
            'captured, with both copies': lambda captured=captured: captured(images.numpy()),
        }
        weights = untrained_weights()
        kernels = KernelDepthNet(weights.depth, weights.preprocessing, 'cuda', kind)
        forms['kernels alone'] = lambda kernels=kernels: kernels(on_card)
        with_graph = CudaNetwork(kernels, SHAPE)
        forms['kernels alone, captured, with both copies'] = lambda with_graph=with_graph: (
            with_graph(images.numpy())
        )
        compiled = torch.compile(network, mode='max-autotune')
        forms['inductor'] = lambda compiled=compiled: compiled(on_card)
        for form, call in forms.items():
            times[f'depth network, {name}, {form}'] = _time(call, rounds)
    return times


def kernel_times(rounds: int) -> dict[str, float | str]:
    """Time a weighting module with its sum at half resolution, both ways."""
    trained = WeightedSum(2).cuda().half().eval()
    weights = Matrices(*(each.cuda() for each in matrices(trained.float())))
    trained = trained.half()
    a, b = torch.randn(2, 1, 64, 208, 16, device='cuda', dtype=torch.float16)
    means = [each.float().mean(3) for each in (a, b)]
    planes = [each.permute(0, 3, 1, 2) for each in (a, b)]
    return {
        'weighting, torch': _time(lambda: trained(*planes), rounds),
        'weighting, one kernel': _time(lambda: weighted_sum(a, b, *means, weights), rounds),
    }


def block_times(rounds: int) -> dict[str, float | str]:
    """Time a sparse coding block without its sum, at every level of the encoder, both ways."""
    times: dict[str, float | str] = {}
    for level, channels in enumerate((16, 32, 64, 160, 320), start=1):
        trained = SparseBlock(channels).eval()
        weights = Numbers(*(each.cuda() for each in numbers(trained, torch.float16)))
        block = channels_last(rewrite(trained).cuda().half())
        given = torch.randn(1, 128 >> level, 416 >> level, channels, device='cuda').half()
        planes = given.permute(0, 3, 1, 2)

        def plain(block=block, planes=planes) -> object:
            found = block.squeeze(block.code(block.expand(planes)))
            return found, planes.mean(1), found.mean(1)

        times[f'block at 1/{1 << level}, torch'] = _time(plain, rounds)
        for side in (8, 16):
            times[f'block at 1/{1 << level}, one kernel, tiles of {side}'] = _time(
                lambda given=given, weights=weights, side=side: coded(given, weights, side=side),
                rounds,
            )
    return times


def end_times(rounds: int) -> dict[str, float | str]:
    """Time the first convolution from bytes, and the head, both ways."""
    trained, normalise = SmallDepthNet().eval(), Normalise(untrained_weights().preprocessing)
    first = FirstNumbers(
        *(each.cuda() for each in first_numbers(normalise, trained, torch.float16))
    )
    last = HeadNumbers(*(each.cuda() for each in head_numbers(trained)))
    conv = channels_last(folded(trained.encoder[0][0]).cuda().half())
    head = channels_last(ReadHead(trained).cuda().half())
    normalise = normalise.cuda().half()
    image = torch.randint(0, 256, SHAPE, dtype=torch.uint8, device='cuda')
    given = torch.randn(1, 64, 208, 16, device='cuda').half()
    planes = given.permute(0, 3, 1, 2)
    return {
        'first convolution, torch': _time(lambda: conv(normalise(image)), rounds),
        'first convolution, one kernel': _time(
            lambda: from_bytes(image, first, grey=False), rounds
        ),
        'head, torch': _time(lambda: head(planes), rounds),
        'head, one kernel': _time(lambda: read_head(given, last, trained), rounds),
    }


def write_trace(path: Path) -> None:
    """Trace one eager frame."""
    network = channels_last(depth_inference(untrained_weights()).to('cuda', torch.float16))
    images = torch.zeros(SHAPE, dtype=torch.uint8, device='cuda')
    _time(lambda: network(images), 5)
    with torch.inference_mode(), torch.profiler.profile() as profiler:
        network(images)
        torch.cuda.synchronize()
    profiler.export_chrome_trace(str(path))


@torch.inference_mode()
def _time(call: Callable[[], object], rounds: int) -> float | str:
    """Return the median of some calls by the clock of the card [us]; or what went wrong."""
    try:
        for _ in range(10):
            call()
        times = []
        for _ in range(rounds):
            began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            began.record()
            call()
            ended.record()
            ended.synchronize()
            times.append(began.elapsed_time(ended) * 1e3)
    except Exception as error:  # the other figures are worth having
        return f'{type(error).__name__}: {error}'[:200]
    return median(times)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


if __name__ == '__main__':
    sys.exit(main())
