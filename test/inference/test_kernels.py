"""The kernels for cards, proven on the CPU by Triton's interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    os.environ['TRITON_INTERPRET'] = '1'  # read when triton is imported
pytest.importorskip('triton', reason='needs triton')

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from lsd_ros.errors import BackendError, FrameError
from lsd_ros.inference.folding import folded
from lsd_ros.inference.fused_depth_net import FusedBlock, FusedStage
from lsd_ros.inference.kernels import block, convolution, ends, weighting
from lsd_ros.inference.kernels.block import Numbers, coded, numbers
from lsd_ros.inference.kernels.convolution import convolved, layer
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
from lsd_ros.inference.rewrite import DepthInference, ReadHead
from lsd_ros.models.layers import ConvNormAct
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import DecoderStage, SmallDepthNet
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.weighting import WeightedSum

GPU = Path(__file__).parents[2] / 'experiments' / 'gpu'
DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
KINDS = pytest.mark.parametrize(
    ('kind', 'tolerance'), [(torch.float32, 2e-5), (torch.float16, 5e-3)]
)


def as_if_trained(network):
    """Give every normalisation statistics of its own, and every path something to say."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
        elif isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    return network.eval().requires_grad_(requires_grad=False)


def nhwc(planes, kind):
    return planes.permute(0, 2, 3, 1).contiguous().to(DEVICE, kind)


def assert_near(found, wanted, tolerance):
    assert wanted.std() > max(0.005, 2 * tolerance), 'nothing is compared'
    torch.testing.assert_close(found.float().cpu(), wanted, rtol=tolerance, atol=tolerance)


@KINDS
@pytest.mark.parametrize('side', [8, 16])
@torch.inference_mode()
def test_two_kernels_are_a_block(side, kind, tolerance):
    channels = 24  # more than a program makes, and no power of two
    trained = as_if_trained(SparseBlock(channels))
    rewritten = FusedBlock(trained, level=1)
    x = torch.randn(2, channels, 8, 20).to(kind).float()
    wanted, _ = rewritten(x)
    negative = rewritten.squeeze(rewritten.code(rewritten.expand(x)))
    given = nhwc(x, kind)
    weights = Numbers(*(each.to(DEVICE) for each in numbers(trained, kind)))
    found, *means = coded(given, weights, side=side, made=16)
    assert_near(found, -negative.permute(0, 2, 3, 1), tolerance)
    assert_near(means[0], x.mean(1), tolerance)
    assert_near(means[1], -negative.mean(1), tolerance)
    shares = Matrices(*(each.to(DEVICE) for each in matrices(trained.fuse)))
    fused, _ = weighted_sum(given, found, *means, shares, pixels=16)
    assert_near(fused, wanted.permute(0, 2, 3, 1), tolerance)


@KINDS
@torch.inference_mode()
def test_a_block_of_the_decoder_reads_the_small_map(kind, tolerance):
    trained = as_if_trained(DecoderStage(40, 16, SmallDepthSettings(), skip=True))
    rewritten = FusedStage(trained, level=4)
    small = torch.randn(1, 16, 3, 5).to(kind).float()
    up = nn.functional.interpolate(small, scale_factor=2)
    negative = rewritten.squeeze(rewritten.code(up_of(rewritten.expand(small))))
    weights = Numbers(*(each.to(DEVICE) for each in numbers(trained.block, kind)))
    found, *means = coded(nhwc(small, kind), weights, doubled=True, side=8)
    assert_near(found, -negative.permute(0, 2, 3, 1), tolerance)
    assert_near(means[0], up.mean(1), tolerance)
    assert_near(means[1], -negative.mean(1), tolerance)


def up_of(planes):
    return nn.functional.interpolate(planes, scale_factor=2)


@KINDS
@pytest.mark.parametrize('colour', ['rgb', 'grey'])
@torch.inference_mode()
def test_one_kernel_is_the_normalisation_and_the_first_convolution(colour, kind, tolerance):
    trained = as_if_trained(SmallDepthNet())
    settings = Preprocessing(colour=colour, mean=(0.4, 0.5, 0.45), std=(0.2, 0.25, 0.225))
    normalise = Normalise(settings)
    image = torch.randint(0, 256, (2, 6, 38, 3), dtype=torch.uint8)
    wanted = folded(trained.encoder[0][0])(normalise(image))
    weights = FirstNumbers(*(each.to(DEVICE) for each in first_numbers(normalise, trained, kind)))
    found = from_bytes(image.to(DEVICE), weights, grey=colour == 'grey', pixels=16)
    assert_near(found, wanted.permute(0, 2, 3, 1), tolerance)


@KINDS
@pytest.mark.parametrize('uncertainty', [False, True])
@torch.inference_mode()
def test_one_kernel_is_the_head_that_is_read(uncertainty, kind, tolerance):
    trained = as_if_trained(SmallDepthNet(SmallDepthSettings(uncertainty=uncertainty)))
    x = torch.randn(2, 16, 4, 20).to(kind).float()
    wanted = ReadHead(trained)(x)
    assert wanted.shape[1] == 1 + uncertainty
    weights = HeadNumbers(*(each.to(DEVICE) for each in head_numbers(trained)))
    assert_near(read_head(nhwc(x, kind), weights, trained, pixels=16), wanted, tolerance)


@pytest.mark.parametrize(('kind', 'tolerance'), [(torch.float32, 1e-5), (torch.float16, 2e-3)])
@pytest.mark.parametrize('doubled', [False, True])
@torch.inference_mode()
def test_one_kernel_is_the_weighting_module_and_its_sum(doubled, kind, tolerance):
    torch.manual_seed(0)
    trained = WeightedSum(2).eval()
    for parameter in trained.parameters():
        parameter *= 3  # so that shares differ from a half
    if doubled:  # the first map may be of half the size
        given, b = torch.randn(2, 12, 3, 10), torch.randn(2, 12, 6, 20)
        a = up_of(given)
    else:
        a, b = torch.randn(2, 2, 12, 5, 19)  # odd sizes, and more than a program takes
        given = a
    wanted = trained(a, b)
    assert (wanted - (a + b) / 2).abs().max() > 0.1
    means = [each.mean(1).contiguous().to(DEVICE) for each in (a, b)]
    weights = Matrices(*(each.to(DEVICE) for each in matrices(trained)))
    maps = nhwc(given, kind), nhwc(b, kind)
    fused, mean = weighted_sum(*maps, *means, weights, doubled=doubled, pixels=16)
    torch.testing.assert_close(
        fused.float().cpu(), wanted.permute(0, 2, 3, 1), rtol=0, atol=tolerance
    )
    torch.testing.assert_close(mean.cpu(), wanted.mean(1), rtol=0, atol=tolerance)


@KINDS
@pytest.mark.parametrize(('size', 'stride', 'active'), [(3, 2, False), (3, 1, True), (1, 1, True)])
@torch.inference_mode()
def test_one_kernel_is_a_layer(size, stride, active, kind, tolerance):
    trained = as_if_trained(ConvNormAct(24, 40, size, stride=stride, activation=active))
    x = torch.randn(2, 24, 6, 14).to(kind).float()
    made = layer(trained, kind)
    on_device = type(made.numbers)(*(each.to(DEVICE) for each in made.numbers))
    found = convolved(nhwc(x, kind), made._replace(numbers=on_device))
    assert_near(found, trained(x).permute(0, 2, 3, 1), tolerance)


SMALL = {'encoder_widths': (8, 16, 16, 24, 32)}


@pytest.mark.parametrize(
    ('shape', 'colour', 'kind', 'tolerance'),
    [
        (SMALL, 'rgb', torch.float16, 5e-3),
        (SMALL, 'grey', torch.float32, 1e-4),
        ({**SMALL, 'read_level': 0, 'uncertainty': True}, 'rgb', torch.float32, 1e-4),
        ({**SMALL, 'read_level': 2, 'transform_kernel': 1}, 'rgb', torch.float32, 1e-4),
    ],
)
@torch.inference_mode()
def test_kernels_alone_are_the_whole_network(shape, colour, kind, tolerance):
    trained = as_if_trained(SmallDepthNet(SmallDepthSettings(**shape)))
    settings = Preprocessing(colour=colour)
    image = torch.randint(0, 256, (1, 32, 64, 3), dtype=torch.uint8)
    wanted = DepthInference(trained, settings).eval()(image)
    network = KernelDepthNet(trained, settings, DEVICE, kind)
    assert_near(network(image.to(DEVICE)), wanted, tolerance)


class Alone(TorchDispatchMode):
    """Lets torch do nothing but views and memory."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function._schema.name.partition('::')[2]
        assert name in {'empty', 'empty_like', 'new_empty', 'unbind', 'select', 'permute'}, name
        return function(*args, **(kwargs or {}))


@torch.inference_mode()
def test_a_frame_is_32_launches(monkeypatch):
    trained = SmallDepthNet(SmallDepthSettings(encoder_widths=SMALL['encoder_widths']))
    network = KernelDepthNet(trained, Preprocessing(), DEVICE, torch.float32)
    launches = []
    for module, name in (
        *((block, '_coded'), (convolution, '_convolution'), (weighting, '_weighted_sum')),
        *((ends, '_from_bytes'), (ends, '_head')),
    ):
        monkeypatch.setattr(module, name, Counted(name, launches))
    image = torch.zeros(1, 32, 64, 3, dtype=torch.uint8, device=DEVICE)
    with Alone():
        network(image)
    counts = {name: launches.count(name) for name in sorted(set(launches))}
    assert counts == {
        '_coded': 9,
        '_convolution': 8,
        '_from_bytes': 1,
        '_head': 1,
        '_weighted_sum': 13,
    }
    assert len(launches) == 32


class Counted:
    """Stands for a kernel, and notes that it was launched."""

    def __init__(self, name, launches):
        self.name, self.launches = name, launches

    def __getitem__(self, grid):
        return lambda *args, **kwargs: self.launches.append(self.name)


def test_what_there_are_no_kernels_for_is_refused():
    trained = SmallDepthNet(SmallDepthSettings(fusion='sum'))
    with pytest.raises(BackendError, match="set backend to 'torch'"):
        KernelDepthNet(trained, Preprocessing(), DEVICE, torch.float16)
    network = KernelDepthNet(SmallDepthNet(), Preprocessing(), DEVICE, torch.float16)
    with pytest.raises(FrameError, match='multiple of 32'):
        network(torch.zeros(1, 32, 65, 3, dtype=torch.uint8, device=DEVICE))


def test_every_kernel_compiles_for_cards_that_are_not_here():
    """The interpreter takes much that does not compile."""
    run = subprocess.run(
        [sys.executable, str(GPU / 'compile.py')],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join((str(GPU.parents[1]), *sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    rows = [row for row in run.stdout.splitlines() if 'H200' in row or 'Jetson' in row]
    assert len(rows) == 14
