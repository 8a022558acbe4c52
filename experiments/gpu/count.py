"""
What the networks ask of a card: kernels, bytes and operations, counted; and times, estimated.

    python experiments/gpu/count.py [--width 416] [--height 128]

Nothing runs: the rewritten networks go through torch without memory, in half precision, and every
operation that torch would start a kernel for is noted. Views are free. A convolution with a bias
is two kernels, as torch has it on CUDA with maps in the order NHWC: that of cuDNN, and the sum.

The estimate is the roofline of each kernel, the longer of bytes over bandwidth and operations over
peak, and for each kernel what its start costs inside a captured graph. That cost is an assumption,
and so is that no map stays in a cache. **No card has measured any of it.**
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lsd_ros.inference.rewrite import channels_last, depth_inference, pose_inference
from lsd_ros.models.checkpoint import load_weights
from lsd_ros.models.network_settings import FRAMES, STAGES, SmallDepthSettings

HALF = 2  # bytes


class Kernel(NamedTuple):
    """
    One kernel.

    :param name: of torch's operation
    :param bytes: read and written, each map once
    :param operations: multiplications and sums of convolutions; the others wait for memory anyway
    :param dense: whether tensor cores can do them
    :param beside: operations of the same kernel that they cannot do
    """

    name: str
    bytes: int
    operations: int = 0
    dense: bool = False
    beside: int = 0


class Card(NamedTuple):
    """
    A card, by its data sheet.

    :param bandwidth: of its memory [byte/s]
    :param dense: peak of its tensor cores in half precision, without sparsity [operations/s]
    :param plain: peak of everything else, in single precision [operations/s]
    :param start_s: what a kernel of a captured graph costs beside its work, assumed [s]
    """

    name: str
    bandwidth: float
    dense: float
    plain: float
    start_s: float


CARDS = (
    Card('H200', 4.8e12, 989e12, 67e12, 2e-6),
    Card('Jetson AGX Orin 64 GB', 204.8e9, 42.5e12, 5.3e12, 4e-6),
)


class Counting(TorchDispatchMode):
    """Notes the kernels of all that torch is asked for meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Note one operation."""
        result = function(*args, **(kwargs or {}))
        if not _is_view(function):
            self.kernels.extend(_kernels(function, args, result))
        return result


def counted(network: nn.Module, shape: tuple[int, ...]) -> list[Kernel]:
    """
    Count the kernels of a network in half precision.

    :param network: takes a tensor of bytes
    :param shape: of that tensor
    """
    network = channels_last(network.half().to('meta'))
    # inference_mode would show composite operations whole
    with torch.no_grad(), Counting() as counting:
        network(torch.empty(shape, dtype=torch.uint8, device='meta'))
    return counting.kernels


def seconds(kernels: Sequence[Kernel], card: Card) -> tuple[float, float]:
    """Estimate how long kernels take: their work, and their starts [s]."""
    work = sum(
        max(
            each.bytes / card.bandwidth,
            each.operations / (card.dense if each.dense else card.plain)
            + each.beside / card.plain,
        )
        for each in kernels
    )
    return work, len(kernels) * card.start_s


def shipped_networks(width: int, height: int) -> dict[str, list[Kernel]]:
    """Count both networks of the weights ``street``."""
    weights = load_weights('street')
    return {
        'depth': counted(depth_inference(weights), (1, height, width, 3)),
        'depth, kernels alone': kernels_alone(weights.depth.shape, width, height),
        'pose': counted(pose_inference(weights), (FRAMES, height, width, 3)),
    }


def kernels_alone(shape: SmallDepthSettings, width: int, height: int) -> list[Kernel]:
    """
    Count what ``lsd_ros/inference/kernels`` does for an image; a test there counts its launches.

    Weights are left out: they are read again by every program, and stay in the cache.
    """
    pixels = [(width >> level) * (height >> level) for level in range(STAGES + 1)]
    widths, made = (3, *shape.encoder_widths), []
    for level in range(1, STAGES + 1):
        made.append(_layer(pixels[level - 1] * widths[level - 1], pixels[level], widths, level, 9))
        made += _block(shape, pixels[level], widths[level], pixels[level] * widths[level])
    before = widths[-1]
    for level in range(STAGES - 1, shape.read_level - 1, -1):
        channels = shape.decoder_widths[level]
        small = pixels[level + 1]
        taps = shape.transform_kernel**2
        made.append(_layer(small * before, small, (before, channels), 1, taps))
        made += _block(shape, pixels[level], channels, small * channels)
        if level > 0:
            made.append(_weighting(pixels[level], channels, pixels[level] * channels))
        before = channels
    read = pixels[shape.read_level]
    return [*made, Kernel('head', HALF * read * before + 4 * read, 18 * read * before)]


def _layer(given: int, pixels: int, widths: Sequence[int], index: int, taps: int) -> Kernel:
    before, channels = widths[index - 1], widths[index]
    work = 2 * pixels * channels * before * taps
    return Kernel('convolution', HALF * (given + pixels * channels), work, dense=True)


def _block(shape: SmallDepthSettings, pixels: int, channels: int, given: int) -> list[Kernel]:
    """
    Count a block of the channels of ``given`` numbers, and its sum.

    Tiles of 16 x 16 have 12 x 12 pixels of their own, and the map is expanded anew for every 64
    channels that are made.
    """
    again, parts = (16 / 12) ** 2, -(-channels // 64)
    wide = pixels * shape.expansion * channels * again
    size = HALF * (given + pixels * channels) + 8 * pixels
    products, taps = int(2 * wide * channels * (1 + parts)), int(36 * wide * parts)
    block = Kernel('block', size, products, dense=True, beside=taps)
    return [block, _weighting(pixels, channels, given)]


def _weighting(pixels: int, channels: int, first: int) -> Kernel:
    """Count a sum of two maps: matrices of 128 x 128 and 64 x 128 for each pixel."""
    size = HALF * (first + 2 * pixels * channels) + 12 * pixels
    return Kernel('weighting', size, 2 * pixels * (128 * 128 + 64 * 128))


def _is_view(function: Any) -> bool:
    """Tell whether the result is the memory of an argument that is not written to."""
    returned = function._schema.returns
    return bool(returned) and all(
        each.alias_info is not None and not each.alias_info.is_write for each in returned
    )


def _kernels(function: Any, args: Sequence[Any], result: Any) -> list[Kernel]:
    read = [each for each in tree_leaves(args) if isinstance(each, Tensor)]
    made = [each for each in tree_leaves(result) if isinstance(each, Tensor)]
    name = function._schema.name.partition('::')[2]
    if name != 'convolution':
        if name.startswith('empty'):
            return []
        return [Kernel(name, _bytes([*read, *made]))]
    image, kernel, bias = args[:3]
    (out,) = made
    groups = args[8]
    work = 2 * out.numel() * kernel[0].numel()
    conv = Kernel(name, _bytes([image, kernel, out]), work, dense=groups == 1)
    return [conv] if bias is None else [conv, Kernel('bias', _bytes([out, bias, out]))]


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(each.numel() * each.element_size() for each in tensors)


def main() -> None:
    """Count, estimate, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--width', type=int, default=416)
    parser.add_argument('--height', type=int, default=128)
    given = parser.parse_args()
    networks = shipped_networks(given.width, given.height)
    print('| network | kernels | MB | GFLOP of convolutions |\n|---|---|---|---|')
    for name, kernels in networks.items():
        megabytes = sum(each.bytes for each in kernels) / 1e6
        work = sum(each.operations + each.beside for each in kernels) / 1e9
        print(f'| {name} | {len(kernels)} | {megabytes:.1f} | {work:.2f} |')
    print('\nESTIMATED, not measured:\n')
    print('| card | network | work | starts | both |\n|---|---|---|---|---|')
    for card in CARDS:
        for name, kernels in networks.items():
            work, starts = (1e3 * each for each in seconds(kernels, card))
            print(
                f'| {card.name} | {name} | {work:.2f} ms | {starts:.2f} ms '
                f'| {work + starts:.2f} ms |'
            )
    counts: dict[str, list[int]] = {}
    for each in networks['depth']:
        counts.setdefault(each.name, [0, 0])
        counts[each.name][0] += 1
        counts[each.name][1] += each.bytes
    print('\n| operation of the depth network | kernels | MB |\n|---|---|---|')
    for name, (count, size) in sorted(counts.items(), key=lambda item: -item[1][1]):
        print(f'| {name} | {count} | {size / 1e6:.1f} |')


if __name__ == '__main__':
    main()
