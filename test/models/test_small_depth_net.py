import pytest
import torch

from lsd_ros.errors import FrameError, SettingError
from lsd_ros.models.network_settings import SmallDepthSettings
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.sparse_block import SparseBlock
from lsd_ros.models.weighting import PlainSum, WeightedSum, WeightingModule

LITERAL = SmallDepthSettings(encoder_widths=(32, 48, 96, 192, 384), full_width=16)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize('paths', [2, 3, 5])
def test_shares_are_positive_and_sum_to_one_at_every_pixel(paths):
    maps = [torch.randn(2, channels, 9, 7) for channels in range(1, paths + 1)]
    shares = WeightingModule(paths)(*maps)
    assert shares.shape == (2, paths, 9, 7)
    assert (shares > 0).all()
    torch.testing.assert_close(shares.sum(1), torch.ones(2, 9, 7))


def test_shares_depend_on_the_channel_means_and_their_neighbourhood_only():
    module = WeightingModule(2)
    a, b = torch.randn(1, 6, 12, 12), torch.randn(1, 6, 12, 12)
    before = module(a, b)
    torch.testing.assert_close(module(a[:, torch.randperm(6)], b), before)
    a[0, :, 0, 0] += 10
    changed = (module(a, b) - before).abs().amax(dim=(0, 1)) > 1e-6
    assert changed[:4, :4].any()
    assert not changed[4:].any(), 'three 3 x 3 convolutions reach three pixels far'
    assert not changed[:, 4:].any()


def test_fused_map_is_the_weighted_sum_of_its_paths():
    fuse = WeightedSum(2)
    a, b = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    shares = fuse.weighting(a, b)
    expected = shares[:, :1] * a + shares[:, 1:] * b
    torch.testing.assert_close(fuse(a, b), expected)
    torch.testing.assert_close(PlainSum()(a, b), a + b)


@pytest.mark.parametrize('group_size', [1, 4])
def test_coding_keeps_groups_of_channels_apart(group_size):
    block = SparseBlock(8, group_size=group_size).eval()
    wide = torch.randn(1, 16, 10, 10)
    before = block.code(wide)
    wide[:, 5] += torch.randn(10, 10)
    moved = (block.code(wide) - before).abs().amax(dim=(0, 2, 3)) > 0
    group = set(range(5 // group_size * group_size, 5 // group_size * group_size + group_size))
    assert {int(i) for i in moved.nonzero()} == group


def test_groups_must_divide_the_block():
    with pytest.raises(SettingError, match='group_size is 5: it must divide the 16 channels'):
        SparseBlock(8, group_size=5)


@pytest.mark.parametrize(('height', 'width'), [(128, 416), (192, 256), (32, 64)])
def test_every_stage_has_the_resolution_and_width_of_the_method(height, width):
    network = SmallDepthNet()
    features = network.features(torch.randn(2, 3, height, width))
    for i, (encoded, channels) in enumerate(
        zip(features.encoder, network.shape.encoder_widths, strict=True)
    ):
        assert encoded.shape == (2, channels, height >> (i + 1), width >> (i + 1))
    for i, (decoded, channels) in enumerate(
        zip(features.decoder, network.shape.decoder_widths, strict=True)
    ):
        assert decoded.shape == (2, channels, height >> i, width >> i)
    for j, disparity in enumerate(features.disparities):
        assert disparity.shape == (2, 1, height >> j, width >> j)
        assert ((disparity > 0) & (disparity < 1)).all()


def test_decoder_runs_from_coarse_to_fine_and_takes_the_encoder_map_of_its_resolution():
    network = SmallDepthNet()
    order = []
    for i, stage in enumerate(network.decoder):
        stage.register_forward_hook(lambda _, inputs, __, i=i: order.append((i, inputs)))
    encoded = network.encode(torch.randn(1, 3, 64, 64))
    network.decode(encoded)
    assert [i for i, _ in order] == [4, 3, 2, 1, 0]
    assert order[0][1][0] is encoded[4]
    for i, inputs in order:
        skip = inputs[1]
        assert (skip is encoded[i - 1]) if i > 0 else (skip is None)


def test_default_network_has_about_two_million_parameters():
    assert 1.8e6 < parameters(SmallDepthNet()) < 2.1e6


def test_weighting_modules_cost_few_parameters_and_can_be_left_out():
    plain = SmallDepthNet(SmallDepthSettings(fusion='sum'))
    weighing = parameters(SmallDepthNet()) - parameters(plain)
    per_module = (2 * 4 + 4 * 4 + 4 * 2) * 9 + 4 + 4 + 2
    assert weighing == 14 * per_module, '10 blocks and 4 decoder fusions'


@pytest.mark.parametrize(
    'shape', [SmallDepthSettings(), SmallDepthSettings(fusion='sum', padding='replicate'), LITERAL]
)
def test_every_parameter_gets_a_gradient(shape):
    network = SmallDepthNet(shape)
    disparities = network(torch.randn(2, 3, 64, 96))
    sum(d.square().mean() for d in disparities).backward()
    silent = [
        name
        for name, p in network.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert not silent


@pytest.mark.parametrize('level', [0, 1, 2])
def test_reading_one_level_gives_what_the_whole_network_gives_there(level):
    network = SmallDepthNet(SmallDepthSettings(read_level=level)).eval()
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        assert torch.equal(network.read(image), network(image)[level])


def test_untrained_heads_start_far_away():
    disparity = SmallDepthNet().eval()(torch.randn(1, 3, 128, 416))[0]
    assert 0.04 < float(disparity.detach().median()) < 0.15, 'sigmoid(-2.5) is 0.076'


@pytest.mark.parametrize(
    ('shape', 'sentence'),
    [
        ((1, 3, 100, 416), 'network input of 416 x 100 must be a multiple of 32'),
        ((1, 1, 128, 416), r'network input of shape \(1, 1, 128, 416\) must be \(B, 3, H, W\)'),
    ],
)
def test_wrong_input_is_refused(shape, sentence):
    with pytest.raises(FrameError, match=sentence):
        SmallDepthNet()(torch.zeros(shape))


@pytest.mark.parametrize('widths', [(16, 32), (16, 32, 64, 128, 0)])
def test_wrong_widths_are_refused(widths):
    with pytest.raises(
        SettingError, match='encoder_widths is .* must be 5 positive whole numbers'
    ):
        SmallDepthSettings(encoder_widths=widths)
