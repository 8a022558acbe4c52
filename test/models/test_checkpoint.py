import dataclasses
import json
import logging
import os
import re
import struct

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lsd_ros.errors import WeightsError
from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.models.checkpoint import change_card, load_weights, save_weights, tensors_sha256
from lsd_ros.models.licence import forbids_commercial_use
from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.shipped import shipped_names, weights_file
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.stored_weights import FORMAT_1, read_stored
from lsd_ros.models.weights import Weights, WeightsCard
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


def test_half_precision_halves_the_file_and_changes_depth_by_rounding_alone(
    weights, file, tmp_path
):
    half = tmp_path / 'half.safetensors'
    full = load_weights(file)
    image = torch.randn(2, 3, 64, 96)
    full.depth.heads[0].conv.weight.data.normal_()  # so that depth is not the same everywhere
    with torch.no_grad():
        for _ in range(30):  # statistics as a training leaves them
            full.depth.train()(image)
    full.depth.eval()
    save_weights(full, half, dtype=torch.float16)
    assert half.stat().st_size < 0.7 * file.stat().st_size
    rounded = load_weights(half)
    assert all(p.dtype == torch.float32 for p in rounded.depth.parameters())
    with torch.inference_mode():
        before, after = (loaded.depth(image)[0] for loaded in (full, rounded))
    assert before.std() > 0.01
    torch.testing.assert_close(after, before, rtol=0.01, atol=1e-3)


def test_the_same_weights_have_the_same_digest(weights, tmp_path):
    first = save_weights(weights, tmp_path / 'a.safetensors')
    assert first == save_weights(weights, tmp_path / 'b.safetensors')
    assert first == load_weights(tmp_path / 'b.safetensors').sha256


def as_first_format(file, **changes):
    """Write a file again as earlier versions did, and return its header and tensors."""
    with safe_open(file, framework='pt') as old:
        header = old.metadata()
        tensors = {name: old.get_tensor(name) for name in old.keys()}  # noqa: SIM118
    header |= {'format': FORMAT_1, 'sha256': tensors_sha256(tensors), **changes}
    save_file(tensors, file, metadata=header)
    return header, tensors


def test_weights_of_an_earlier_version_still_load_with_a_warning(weights, file, caplog):
    """The header of an older file does not know these names."""
    header, tensors = as_first_format(file)
    cards = ('uncertainty_factor', 'motion_noise', 'focal_px', 'camera_height_m', 'commercial_use')
    for part, name in (('depth', 'uncertainty'), *(('card', name) for name in cards)):
        values = json.loads(header[part])
        del values[name]
        header[part] = json.dumps(values)
    save_file(tensors, file, metadata=header)
    loaded = load_weights(file)
    assert not loaded.depth.shape.uncertainty
    assert loaded.card == weights.card
    assert 'whose SHA-256 does not cover their settings' in caplog.text


def test_a_changed_header_is_noticed(file, caplog):
    data = file.read_bytes()
    wrong = data.replace(b'metres_per_unit\\": 1.0', b'metres_per_unit\\": 3.0')
    assert wrong != data
    file.write_bytes(wrong)
    with pytest.raises(WeightsError, match='their SHA-256 is not the one'):
        load_weights(file)


def test_every_flipped_bit_of_the_header_is_noticed_or_changes_nothing(weights, file):
    data = file.read_bytes()
    (length,) = struct.unpack_from('<Q', data)
    for place in range(0, 8 + length, 101):
        damaged = bytearray(data)
        damaged[place] ^= 1 << (place % 8)
        file.write_bytes(damaged)
        try:
            loaded = read_stored(file)
        except WeightsError:
            continue
        assert loaded.metadata == json.loads(data[8 : 8 + length])['__metadata__']


@pytest.mark.parametrize(
    ('part', 'text'),
    [
        ('preprocessing', 'null'),
        ('depth', '[]'),
        ('depth', '[' * 100_000),
        ('pose', '{"widths": [1000000, 1000000]}'),
        ('depths', '{"min_depth": "a", "max_depth": 3}'),
        ('card', '{"name": {}, "trained": true, "data": []}'),
        ('card', 'NaN'),
    ],
)
def test_a_header_that_means_nothing_is_one_sentence(file, part, text):
    as_first_format(file, **{part: text})
    with pytest.raises(WeightsError, match='header that this version cannot read|do not fit the'):
        load_weights(file)


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
    assert loaded.depth.shape == shape
    assert loaded.sha256 != digest, 'the card is part of what it covers'
    for name, tensor in known.depth.state_dict().items():
        assert torch.equal(loaded.depth.state_dict()[name], tensor.half().to(tensor.dtype))
    assert abs(path.stat().st_size - size) < 256, 'the tensors are stored as they were'
    with pytest.raises(WeightsError, match='uncertainty_factor 0 must be positive'):
        change_card(path, uncertainty_factor=0)


@pytest.mark.parametrize('name', ['metres_per_unit', 'focal_px', 'camera_height_m'])
@pytest.mark.parametrize('value', [-1.0, float('nan'), float('inf')])
def test_a_card_with_impossible_numbers_is_refused(weights, name, value):
    with pytest.raises(WeightsError, match=f'{name} {value} must be'):
        dataclasses.replace(weights.card, **{name: value})


@pytest.mark.parametrize(
    ('licence', 'forbidden'),
    [
        ('KITTI: CC BY-NC-SA 3.0', True),
        ('Apache-2.0; Microsoft Research licence, Non-Commercial', True),
        ('for noncommercial research', True),
        ('TUM RGB-D: CC BY 4.0', False),
        ('NCSA', False),
        ('', False),
    ],
)
def test_the_word_for_no_commercial_use_is_found_in_licences(licence, forbidden):
    assert forbids_commercial_use(licence) == forbidden


def test_weights_that_forbid_commercial_use_say_so_once_in_a_process(weights, tmp_path, caplog):
    path = tmp_path / 'weights.safetensors'
    card = dataclasses.replace(
        weights.card, name='street 7', licence='CC BY-NC 4.0', commercial_use=False
    )
    save_weights(dataclasses.replace(weights, card=card), path)
    with caplog.at_level(logging.INFO, 'lsd_ros'):
        for _ in range(3):
            assert load_weights(path).card == card
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            'WARNING',
            'the weights street 7 were trained on data for non-commercial use only (CC BY-NC '
            '4.0): do not use them commercially, or train your own',
        )
    ]


def test_an_earlier_file_forbids_what_its_licence_forbids(weights, tmp_path):
    """Files were written before their cards had a field for it."""
    path = tmp_path / 'weights.safetensors'
    card = dataclasses.replace(weights.card, licence='CC BY-NC-SA 3.0 (KITTI)')
    save_weights(dataclasses.replace(weights, card=card), path)
    assert load_weights(path).card.commercial_use, 'who wrote the field is believed'
    header, tensors = as_first_format(path)
    written = json.loads(header['card'])
    del written['commercial_use']
    save_file(tensors, path, metadata={**header, 'card': json.dumps(written)})
    assert not load_weights(path).card.commercial_use


def test_numbers_too_large_for_half_precision_are_refused(weights, file, tmp_path):
    half = tmp_path / 'half.safetensors'
    loud = load_weights(file)
    loud.depth.state_dict()['encoder.0.0.norm.running_var'].fill_(7e4)
    with pytest.raises(WeightsError, match=r'0\.norm\.running_var has a value of 7e\+04'):
        save_weights(loud, half, dtype=torch.float16)
    assert not half.exists()
    save_weights(loud, half)


def test_the_files_of_the_package_are_small_together():
    assert sum(weights_file(name).stat().st_size for name in shipped_names()) <= 12e6
    assert weights_file(shipped_names()[0]) == weights_file('')
    assert weights_file('./street') != weights_file('street')


@pytest.mark.parametrize('name', shipped_names())
def test_a_file_of_the_package_says_where_it_comes_from(name):
    card = load_weights(name).card
    assert card.command
    assert not re.search(r'(^|[\s=])/', card.command), "paths of a machine are nobody else's"
    assert card.commercial_use != forbids_commercial_use(card.licence)
    if card.trained:
        assert card.data
        assert card.licence
        assert card.note


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
    with pytest.raises(WeightsError, match='do not fit the depth network .* .size mismatch'):
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
