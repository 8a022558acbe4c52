import pytest
import torch
from safetensors.torch import save_file

from lsd_ros import settings
from lsd_ros.errors import FrameError, SettingError, WeightsError
from lsd_ros.models.large_depth_net import LargeDepthNet, LargeDepthSettings

TINY = LargeDepthSettings(
    group_widths=(8, 12, 16, 16, 20, 24), group_blocks=(1, 1, 2, 1, 1, 1), full_width=8
)
PUBLISHED = (24, 48, 64, 160, 256)


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize('blocks', [(1, 1, 2, 1, 1, 1), (1, 1, 1, 0, 1, 1)])
@pytest.mark.parametrize(('height', 'width'), [(128, 416), (96, 160), (32, 32)])
def test_every_map_has_the_resolution_and_width_of_its_stage(blocks, height, width):
    network = LargeDepthNet(LargeDepthSettings(TINY.group_widths, blocks, 8)).eval()
    with torch.no_grad():
        features = network.features(torch.randn(2, 3, height, width))
    for i, (encoded, channels) in enumerate(
        zip(features.encoder, (8, 12, 16, 20, 24), strict=True)
    ):
        assert encoded.shape == (2, channels, height >> (i + 1), width >> (i + 1))
    for i, (decoded, channels) in enumerate(
        zip(features.decoder, (8, 8, 12, 16, 20), strict=True)
    ):
        assert decoded.shape == (2, channels, height >> i, width >> i)
    for j, disparity in enumerate(features.disparities):
        assert disparity.shape == (2, 1, height >> j, width >> j)
        assert ((disparity > 0) & (disparity < 1)).all()


def test_default_widths_are_the_published_ones_and_the_encoder_is_as_large_as_its_model():
    network = LargeDepthNet()
    assert network.shape.encoder_widths == PUBLISHED
    assert network.shape.decoder_widths == (24, 24, 48, 64, 160)
    assert parameters(network.encoder) == 19_847_248, 'EfficientNetV2-S without its classifier'


def test_a_small_teacher_is_a_third_of_the_default_one():
    blocks = (1, 2, 2, 0, 4, 4)
    small = LargeDepthNet(LargeDepthSettings(group_blocks=blocks))
    assert small.shape.encoder_widths == PUBLISHED
    assert parameters(small) < 7e6 < 2.1e7 < parameters(LargeDepthNet())


@pytest.mark.parametrize('refinement', [True, False])
def test_every_parameter_gets_a_gradient(refinement):
    shape = settings.build(LargeDepthSettings, {**settings.values(TINY), 'refinement': refinement})
    network = LargeDepthNet(shape)
    disparities = network(torch.randn(2, 3, 64, 96))
    sum(d.square().mean() for d in disparities).backward()
    assert not [
        name
        for name, p in network.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]


def test_refinement_can_be_left_out():
    shape = settings.build(LargeDepthSettings, {**settings.values(TINY), 'refinement': False})
    without = LargeDepthNet(shape)
    assert parameters(without) < parameters(LargeDepthNet(TINY))
    assert not [name for name, _ in without.named_modules() if name.endswith('far')]


def test_untrained_heads_start_far_away():
    disparity = LargeDepthNet(TINY).eval()(torch.randn(1, 3, 128, 416))[0]
    assert 0.04 < float(disparity.detach().median()) < 0.15, 'sigmoid(-2.5) is 0.076'


@pytest.mark.parametrize(
    ('values', 'sentence'),
    [
        ({'group_widths': (24, 48)}, 'group_widths is .24, 48.: it must be 6 positive'),
        ({'group_blocks': (1, 2, 2, 0, 0, 4)}, 'group_blocks is .* must be 6 positive'),
        ({'token_width': 40}, 'token_width is 40: it must be a multiple of 16'),
    ],
)
def test_wrong_shapes_are_refused(values, sentence):
    with pytest.raises(SettingError, match=sentence):
        LargeDepthSettings(**values)


def test_wrong_input_is_refused():
    with pytest.raises(FrameError, match='100 x 64 must be a multiple of 32'):
        LargeDepthNet(TINY).features(torch.zeros(1, 3, 64, 100))


@pytest.mark.parametrize('name', ['encoder.safetensors', 'encoder.pt'])
def test_encoder_weights_come_from_a_local_file(tmp_path, name):
    given, network = LargeDepthNet(TINY), LargeDepthNet(TINY)
    state = given.encoder.state_dict()
    path = tmp_path / name
    save_file(state, path) if path.suffix == '.safetensors' else torch.save(state, path)
    head = network.heads[0].conv.weight.clone()
    network.load_encoder(path)
    for key, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, state[key]), key
    assert torch.equal(network.heads[0].conv.weight, head), 'the rest stays'


def _without_first(state):
    return dict(list(state.items())[1:])


def _wider(state):
    return {k: torch.cat((t, t)) if k == '0.0.0.weight' else t for k, t in state.items()}


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (_without_first, r"lack '0\.0\.0\.weight' \(1 names missing, 0 unknown\)"),
        (lambda s: {**s, 'classifier.weight': torch.zeros(1)}, "have 'classifier.weight'"),
        (_wider, r'0\.0\.0\.weight of shape \(16, 3, 3, 3\), but the encoder has \(8, 3, 3, 3\)'),
        (lambda s: [1, 2], 'hold no state dict, but a list'),
    ],
)
def test_encoder_weights_that_do_not_fit_are_refused_and_change_nothing(
    tmp_path, change, sentence
):
    network = LargeDepthNet(TINY)
    before = {k: t.clone() for k, t in network.encoder.state_dict().items()}
    torch.save(change(LargeDepthNet(TINY).encoder.state_dict()), tmp_path / 'e.pt')
    with pytest.raises(WeightsError, match=sentence):
        network.load_encoder(tmp_path / 'e.pt')
    assert all(torch.equal(t, before[k]) for k, t in network.encoder.state_dict().items())


class _Malicious:
    def __reduce__(self):
        return (open, ('/tmp/never', 'w'))


def test_files_that_are_no_weights_are_refused(tmp_path):
    network = LargeDepthNet(TINY)
    with pytest.raises(WeightsError, match='do not exist: give the path'):
        network.load_encoder(tmp_path / 'none.pt')
    for name in ('noise.safetensors', 'noise.pt'):
        (tmp_path / name).write_bytes(b'not weights at all')
        with pytest.raises(WeightsError, match='cannot be read'):
            network.load_encoder(tmp_path / name)
    torch.save(_Malicious(), tmp_path / 'code.pt')
    with pytest.raises(WeightsError, match='cannot be read'):
        network.load_encoder(tmp_path / 'code.pt')
