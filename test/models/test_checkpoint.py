import dataclasses
import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lsd_ros.errors import WeightsError
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.models.checkpoint import (
    Weights,
    WeightsCard,
    change_card,
    load_weights,
    save_weights,
)
from lsd_ros.models.pose_net import PoseNet, PoseSettings
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import SmallDepthNet, SmallDepthSettings
from lsd_ros.types import MotionNoise


@pytest.fixture(scope='module')
def weights():
    torch.manual_seed(1)
    return Weights(
        depth=SmallDepthNet(
            SmallDepthSettings(encoder_widths=(4, 8, 8, 16, 16), full_width=4, read_level=2)
        ),
        pose=PoseNet(PoseSettings(widths=(8, 16))),
        preprocessing=Preprocessing(width=96, height=64, colour='grey'),
        depths=DisparityRange(0.2, 50.0),
        card=WeightsCard(name='test', trained=True, metric=True, data=('a', 'b'), note='ü'),
    )


@pytest.fixture
def file(weights, tmp_path):
    path = tmp_path / 'weights.safetensors'
    save_weights(weights, path)
    return path


def test_a_file_rebuilds_its_model(weights, file):
    loaded = load_weights(file)
    assert (loaded.preprocessing, loaded.depths, loaded.card) == (
        weights.preprocessing,
        weights.depths,
        weights.card,
    )
    assert loaded.depth.shape == weights.depth.shape
    assert not loaded.depth.training
    for name, tensor in weights.depth.state_dict().items():
        assert torch.equal(loaded.depth.state_dict()[name], tensor)
    image = torch.randn(1, 9, 64, 96)
    assert torch.equal(loaded.pose(image), weights.pose.eval()(image))


def test_half_precision_halves_the_file_and_comes_back_as_float32(weights, file, tmp_path):
    half = tmp_path / 'half.safetensors'
    save_weights(weights, half, dtype=torch.float16)
    assert half.stat().st_size < 0.7 * file.stat().st_size
    assert all(p.dtype == torch.float32 for p in load_weights(half).depth.parameters())


def test_the_same_weights_have_the_same_digest(weights, tmp_path):
    first = save_weights(weights, tmp_path / 'a.safetensors')
    assert first == save_weights(weights, tmp_path / 'b.safetensors')
    assert first == load_weights(tmp_path / 'b.safetensors').sha256


def test_weights_of_an_earlier_version_still_load(weights, file):
    """The header of an older file does not know these names."""
    with safe_open(file, framework='pt') as old:
        header = old.metadata()
        tensors = {name: old.get_tensor(name) for name in old.keys()}  # noqa: SIM118
    new = (('depth', 'uncertainty'), ('card', 'uncertainty_factor'), ('card', 'motion_noise'))
    for part, name in new:
        values = json.loads(header[part])
        del values[name]
        header[part] = json.dumps(values)
    save_file(tensors, file, metadata=header)
    loaded = load_weights(file)
    assert not loaded.depth.shape.uncertainty
    assert loaded.card == weights.card


def test_a_head_for_uncertainty_is_in_the_file_and_its_card_can_be_changed(weights, tmp_path):
    path = tmp_path / 'weights.safetensors'
    shape = dataclasses.replace(weights.depth.shape, uncertainty=True)
    known = dataclasses.replace(weights, depth=SmallDepthNet(shape))
    digest = save_weights(known, path, dtype=torch.float16)
    size = path.stat().st_size
    noise = MotionNoise(along=0.3, rotation_deg=(0.1, 0.2, 0.3))
    assert change_card(path, uncertainty_factor=1.7, motion_noise=noise).motion_noise == noise
    loaded = load_weights(path)
    expected = dataclasses.replace(weights.card, uncertainty_factor=1.7, motion_noise=noise)
    assert loaded.card == expected
    assert (loaded.sha256, loaded.depth.shape) == (digest, shape)
    assert abs(path.stat().st_size - size) < 256, 'the tensors are stored as they were'
    with pytest.raises(WeightsError, match='uncertainty_factor 0 must be positive'):
        change_card(path, uncertainty_factor=0)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match='nothing.safetensors do not exist'):
        load_weights(tmp_path / 'nothing.safetensors')


@pytest.mark.parametrize('keep', [0, 5, 200, -1, -1000])
def test_truncated_file_is_refused(file, keep):
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WeightsError, match='damaged, truncated or no safetensors file'):
        load_weights(file)


def test_one_flipped_bit_is_noticed(file):
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsError, match='SHA-256'):
        load_weights(file)


def test_pickles_are_refused_and_do_not_run(file):
    torch.save({'depth': torch.zeros(1)}, file)
    with pytest.raises(WeightsError, match='no safetensors file'):
        load_weights(file)


def test_weights_of_another_program_are_refused(tmp_path):
    path = tmp_path / 'foreign.safetensors'
    save_file({'layer.weight': torch.zeros(3)}, path, metadata={'format': 'pt'})
    with pytest.raises(WeightsError, match="not of lsd_ros: their format is 'pt'"):
        load_weights(path)


def test_tensors_must_fit_the_network_strictly(weights, file, monkeypatch):
    other = Weights(
        depth=SmallDepthNet(SmallDepthSettings(encoder_widths=(8, 8, 8, 16, 16), full_width=4)),
        pose=weights.pose,
        preprocessing=weights.preprocessing,
        depths=weights.depths,
        card=weights.card,
    )
    object.__setattr__(other.depth, 'shape', weights.depth.shape)
    save_weights(other, file)
    with pytest.raises(WeightsError, match='do not fit the depth network .* size mismatch'):
        load_weights(file)


def test_failed_write_leaves_the_old_file(weights, file, tmp_path):
    before = load_file(file)
    with pytest.raises(WeightsError, match='cannot be written'):
        save_weights(weights, tmp_path / 'no' / 'folder' / 'w.safetensors')
    broken = Weights(
        depth=weights.depth,
        pose=weights.pose,
        preprocessing=weights.preprocessing,
        depths=weights.depths,
        card=WeightsCard(name='x', trained=False, note=object()),  # cannot become JSON
    )
    with pytest.raises(TypeError):
        save_weights(broken, file)
    assert load_file(file).keys() == before.keys()
    assert os.listdir(tmp_path) == ['weights.safetensors']
