import pytest
import torch
from torch import nn
from torch.nn import functional

from lsd_ros.models.refinement import ChannelGate, Refinement, TokenBranch

PATCH = 8
CELLS = 16  # patches along one side


def grid_energy(image: torch.Tensor) -> float:
    """Return the spectral energy at the patch frequency as a multiple of that beside it."""
    window = torch.hann_window(image.shape[-1], periodic=True, dtype=image.dtype)
    spectrum = torch.fft.rfft(image * window, dim=-1).abs().square().mean(dim=(0, 1, 2))
    around = torch.cat((spectrum[CELLS - 5 : CELLS - 2], spectrum[CELLS + 3 : CELLS + 6]))
    return float(spectrum[CELLS] / around.mean())


def smooth_inputs(channels: int) -> dict[str, torch.Tensor]:
    size = PATCH * CELLS
    ramp = torch.linspace(-1, 1, size, dtype=torch.float64)
    return {
        'constant': torch.full((1, channels, size, size), 0.7, dtype=torch.float64),
        'ramp': (ramp + ramp[:, None]).expand(1, channels, size, size),
        'bump': torch.exp(-4 * (ramp**2 + ramp[:, None] ** 2)).expand(1, channels, size, size),
    }


@pytest.mark.parametrize('kind', ['constant', 'ramp', 'bump'])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_smooth_input_comes_back_without_a_grid_of_patches(kind, seed):
    torch.manual_seed(seed)
    module = Refinement(16, patch=PATCH, padding='replicate').double().eval()
    with torch.no_grad():
        out = module(smooth_inputs(16)[kind])
    assert grid_energy(out) < 2
    assert grid_energy(out.transpose(2, 3)) < 2


def test_the_grid_of_a_transposed_convolution_would_be_noticed():
    torch.manual_seed(0)
    branch = TokenBranch(16, patch=PATCH, padding='replicate').double().eval()
    x = smooth_inputs(16)['bump']
    back = nn.ConvTranspose2d(16, 16, PATCH, stride=PATCH, groups=16).double()
    with torch.no_grad():
        smooth = branch(x)
        blocky = back(functional.avg_pool2d(smooth, PATCH))
    assert grid_energy(smooth) < 2
    assert grid_energy(blocky) > 100


@pytest.mark.parametrize(
    ('height', 'width', 'patch'), [(128, 416, 16), (64, 96, 8), (4, 13, 1), (32, 32, 2)]
)
@pytest.mark.parametrize('channels', [8, 24])
def test_a_map_keeps_its_shape_at_any_size(height, width, patch, channels):
    module = Refinement(channels, patch=patch)
    x = torch.randn(2, channels, height, width)
    assert module(x).shape == x.shape


def test_tokens_take_one_corner_to_all_others():
    torch.manual_seed(0)
    branch = TokenBranch(4, patch=4).eval()
    x = torch.randn(1, 4, 32, 48)
    with torch.no_grad():
        before = branch(x)
        x[..., :4, :4] += 3
        moved = (branch(x) - before).abs().amax(dim=1)[0]
    assert moved[-4:, -4:].min() > 0


def test_tokens_know_where_they_are():
    branch = TokenBranch(4, patch=4, padding='replicate').eval()
    with torch.no_grad():
        out = branch(torch.ones(1, 4, 32, 32))
    assert out[0, :, :, 16].std(dim=1).min() > 0, 'rows differ'
    assert out[0, :, 16, :].std(dim=1).min() > 0, 'columns differ'


def test_gate_scales_each_channel_by_a_share_of_the_neighbouring_means():
    gate = ChannelGate(64)
    kernel = gate.mix.weight.detach()[0, 0]
    assert len(kernel) == 3, 'log2(64) / 2 + 1 / 2 = 3.5 is 3, and odd'
    x = torch.randn(2, 64, 5, 7)
    means = functional.pad(x.mean(dim=(2, 3)), (1, 1))
    share = torch.stack([(means[:, c : c + 3] * kernel).sum(1) for c in range(64)], 1).sigmoid()
    torch.testing.assert_close(gate(x), x * share[:, :, None, None])


def test_every_parameter_gets_a_gradient():
    module = Refinement(16, patch=4)
    module(torch.randn(2, 16, 16, 24)).square().mean().backward()
    assert not [name for name, p in module.named_parameters() if not p.grad.abs().sum() > 0]
