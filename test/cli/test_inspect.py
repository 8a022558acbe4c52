from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lsd_ros.cli.main import main
from lsd_ros.cli.printing import table
from lsd_ros.models.checkpoint import change_card, load_weights


def inspected(path: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    assert main(['inspect', str(path), '--json']) == 0
    return json.loads(capsys.readouterr().out)


def test_weights(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(weights, capsys)
    real = load_weights(weights)
    assert found['kind'] == 'weights'
    assert found['sha256'] == real.sha256
    assert found['card']['name'] == 'small'
    assert found['card']['trained'] is False
    assert found['depth_parameters'] == sum(p.numel() for p in real.depth.parameters())
    assert found['size_bytes'] == weights.stat().st_size


def test_weights_say_what_their_metres_are_of(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = Path(shutil.copy(weights, tmp_path))
    change_card(known, metric=True, metres_per_unit=5.0, focal_px=233.25, camera_height_m=1.65)
    found = inspected(known, capsys)['card']
    assert (found['focal_px'], found['camera_height_m']) == (233.25, 1.65)
    assert found['commercial_use'] is True
    wanted = {'metres_per_unit': '5', 'focal_px': '233.25', 'camera_height_m': '1.65'}
    unknown = {'metres_per_unit': '1', 'focal_px': '-', 'camera_height_m': '-'}
    for path, values in ((known, wanted), (weights, unknown)):
        assert main(['inspect', str(path)]) == 0
        _, card = capsys.readouterr().out.split('\ncard\n')
        said = dict(line.split(maxsplit=1) for line in card.split('\ndepth\n')[0].splitlines())
        assert {name: said[name] for name in values} == values


def test_shipped_weights_are_known_by_name_unless_something_is_called_so(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = inspected(Path('street'), capsys)
    assert (found['kind'], found['card']['name']) == ('weights', 'street')
    Path('street').symlink_to(bag)
    assert inspected(Path('street'), capsys)['kind'] == 'bag'


def test_a_bag(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspected(bag, capsys)
    assert found['kind'] == 'bag'
    counts = {topic['name']: topic['count'] for topic in found['topics']}
    assert counts['/camera/image_raw'] == counts['/camera/camera_info'] == 12
    image = next(image for image in found['images'] if image['topic'] == '/camera/image_raw')
    assert (image['width'], image['height'], image['encoding']) == (120, 80, 'bgr8')
    assert image['camera']['fx'] == 70.0


def test_a_bag_for_people(bag: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['inspect', str(bag)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'kind        bag' in lines
    (image,) = (line for line in lines if line.startswith('  /camera/image_raw'))
    assert image.split()[1:3] == ['sensor_msgs/msg/Image', '12']


@pytest.mark.parametrize('name', ['none.safetensors', 'none.mcap'])
def test_what_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['inspect', name]) == 1
    assert f'{name} do' in capsys.readouterr().err


def test_a_misspelt_name_of_weights_is_answered_with_the_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(['inspect', 'strret']) == 1
    assert 'strret does not exist: give weights' in (said := capsys.readouterr().err)
    assert 'or the name street or indoors' in said


def test_columns_are_as_wide_as_they_must_be() -> None:
    rows = [['a', '1.5'], ['long name', '-'], ['b', '12.25']]
    assert list(table(['what', 'ms'], rows)) == [
        'what          ms',
        'a            1.5',
        'long name      -',
        'b          12.25',
    ]
