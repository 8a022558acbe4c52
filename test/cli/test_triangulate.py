from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.cli.main import main
from lsd_ros.datasets.image_file import write_image
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.models.shipped import weights_file
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.triangulation import triangulation_job
from lsd_ros.triangulation.triangulation import Triangulator
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings
from lsd_ros.types import Camera


def test_sequences_get_depth_once(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    call = ['triangulate', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out')]
    call += ['--set', 'nearest_m=0.5', '--set', 'furthest_m=20']
    assert main(call) == 0
    said = capsys.readouterr().out
    assert 'drive: 12 images, depth of' in said
    assert 'of true depth' in said
    written = Sequence(tmp_path / 'out' / 'drive')
    assert len(written.depth_indices) == 12
    assert written.manifest['depth_unit_m'] == pytest.approx(20 / 65535)
    assert written.manifest['triangulation']['nearest_m'] == 0.5
    for left in ('.part-drive.killed', '.drive.unfinished'):
        (tmp_path / 'out' / left).mkdir()
    assert main(call) == 0
    assert capsys.readouterr().out == 'drive: there already\n'
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['drive']
    assert main([*call[:-1], 'furthest_m=10']) == 1
    said = capsys.readouterr().err
    assert f'{tmp_path / "out/drive"} was triangulated with furthest_m 20.0, not 10.0: add' in said


def test_what_lies_at_the_output_is_not_taken_for_the_depth_of_other_images(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ('drive', 'out/drive'):
        write_sequence(tmp_path / name, drive)
    call = ['triangulate', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out')]
    assert main(call) == 1
    assert 'out/drive exists already and has no triangulated depth' in capsys.readouterr().err
    stamps = tmp_path / 'out' / 'drive' / 'timestamps.txt'
    stamps.write_text(''.join(f'{int(line) + 1}\n' for line in stamps.read_text().split()))
    (tmp_path / 'out' / 'drive' / 'poses.tum').unlink()
    assert main(call) == 1
    assert 'out/drive is of other images than' in capsys.readouterr().err


def test_a_room_that_is_looked_for_in_a_street_says_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera(64, 48, 40.0, 40.0, 31.5, 23.5)
    write_sequence(tmp_path / 'room', SyntheticDrive('room', 0, camera, 3))
    far = ['--set', 'nearest_m=90', '--set', 'furthest_m=100']
    call = ['triangulate', str(tmp_path / 'room'), '--out', str(tmp_path / 'out'), *far]
    assert main(call) == 1
    said = capsys.readouterr().err
    assert 'room: not one pixel of 3 images has depth that two views confirm: choose' in said
    assert not (tmp_path / 'out' / 'room').exists()


def test_a_second_process_keeps_out_of_what_a_first_one_triangulates(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    folder, wanted = FolderSequence(tmp_path / 'drive'), TriangulationSettings()
    first = triangulation_job.Unfinished(tmp_path / 'out' / 'drive', folder, wanted)
    call = ['triangulate', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out')]
    with first.claimed():
        assert main(call) == 1
    assert 'is in use: another process triangulates into it' in capsys.readouterr().err


def test_an_interrupted_run_goes_on_and_gives_the_same_in_parts_side_by_side(
    drive: SyntheticDrive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    near = ['--set', 'nearest_m=0.5', '--set', 'furthest_m=20']
    call = ['triangulate', str(tmp_path / 'drive'), *near]
    assert main([*call, '--out', str(tmp_path / 'whole'), '--jobs', '1']) == 0
    made: list[int] = []

    def interrupted(self: Triangulator, number: int, index: int) -> NDArray[np.float32]:
        if index == 7 and len(made) == 7:
            raise KeyboardInterrupt
        made.append(index)
        return whole(self, number, index)

    whole = Triangulator.depth
    monkeypatch.setattr(Triangulator, 'depth', interrupted)
    again = [*call, '--out', str(tmp_path / 'again')]
    assert main([*again, '--jobs', '1']) == 130
    assert not (tmp_path / 'again' / 'drive').exists()
    made.append(-1)
    assert main([*again, '--jobs', '1']) == 0
    assert made == [*range(7), -1, *range(7, 12)]
    monkeypatch.undo()
    monkeypatch.setattr(triangulation_job, 'PART', 5)
    assert main([*call, '--out', str(tmp_path / 'parts'), '--jobs', '2']) == 0
    wanted = [path.read_bytes() for path in sorted((tmp_path / 'whole/drive/depth').iterdir())]
    for name in ('again', 'parts'):
        found = sorted((tmp_path / name / 'drive' / 'depth').iterdir())
        assert [path.read_bytes() for path in found] == wanted
        assert [path.name for path in (tmp_path / name).iterdir()] == ['drive']


def test_what_was_begun_with_other_settings_is_begun_anew(
    drive: SyntheticDrive, tmp_path: Path
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    folder = FolderSequence(tmp_path / 'drive')
    given = (tmp_path / 'out' / 'drive', folder)
    first = triangulation_job.Unfinished(*given, TriangulationSettings(nearest_m=0.5))
    assert first.open(folder.poses) == list(range(12))
    first.write(3, np.full((folder.camera.height, folder.camera.width), 2.0, np.float32))
    assert 3 not in first.open(None)
    assert first.poses is not None
    other = triangulation_job.Unfinished(*given, TriangulationSettings(nearest_m=0.6))
    assert other.poses is None
    assert other.open(None) == list(range(12))


def test_what_has_no_known_motion_is_refused_before_anything_is_written(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    (tmp_path / 'drive' / 'poses.tum').unlink()
    assert main(['triangulate', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out')]) == 1
    assert 'drive has no poses, and is in no stereo pair' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_what_has_no_poses_is_followed_by_the_depth_of_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    camera = Camera(320, 96, 185.0, 185.0, 159.5, 47.5)
    write_sequence(tmp_path / 'street', SyntheticDrive('street', 3, camera, 8, start_s=2.5))
    driven = Sequence(tmp_path / 'street').trajectory
    assert driven is not None
    (tmp_path / 'street' / 'poses.tum').unlink()
    call = ['triangulate', str(tmp_path / 'street'), '--out', str(tmp_path / 'out')]
    assert main([*call, '--weights', 'street']) == 0
    assert 'and poses by following it; of true depth' in capsys.readouterr().out
    followed = Sequence(tmp_path / 'out' / 'street').trajectory
    assert followed is not None
    way, true_way = (
        np.linalg.norm(np.diff(t.world_from_camera[:, :3, 3], axis=0), axis=1).sum()
        for t in (followed, driven)
    )
    assert way == pytest.approx(true_way, rel=0.3)
    copied = tmp_path / 'mine.safetensors'
    shutil.copy(weights_file('street'), copied)
    for weights in ('street', str(copied)):
        assert main([*call, '--weights', weights]) == 0
        assert capsys.readouterr().out == 'street: there already\n'
    shutil.copy(weights_file('indoors'), copied)
    for more, others in (
        (['--weights', 'indoors'], "'indoors'"),
        (['--weights', str(copied)], f"'{copied}'"),
        ([], 'without any'),
    ):
        assert main([*call, *more]) == 1
        said = capsys.readouterr().err
        assert f"out/street was triangulated with the weights 'street', not {others}: add" in said


def test_what_cannot_be_followed_is_not_written(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    (tmp_path / 'drive' / 'poses.tum').unlink()
    for image in Sequence(tmp_path / 'drive').images[6:]:
        write_image(image, np.full((drive.camera.height, drive.camera.width, 3), 90, np.uint8))
    call = ['triangulate', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out')]
    assert main([*call, '--weights', 'street']) == 1
    assert 'drive cannot be followed' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_weights_without_metres_say_of_no_motion_how_long_it_was(
    weights: Path, drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    (tmp_path / 'drive' / 'poses.tum').unlink()
    call = ['triangulate', str(tmp_path / 'drive'), '--out', str(tmp_path / 'out')]
    assert main([*call, '--weights', str(weights)]) == 1
    assert "'small' are not metric, and say of no motion" in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_no_sequence_is_written_over_itself_or_another(
    drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / 'drive', drive)
    write_sequence(tmp_path / 'other' / 'drive', drive)
    sources = [str(tmp_path / 'drive'), str(tmp_path / 'other' / 'drive')]
    assert main(['triangulate', *sources, '--out', str(tmp_path / 'out')]) == 1
    assert 'two sequences are called drive' in capsys.readouterr().err
    assert main(['triangulate', sources[0], '--out', str(tmp_path), '--overwrite']) == 1
    assert 'which is read: choose another output' in capsys.readouterr().err
    assert len(Sequence(tmp_path / 'drive').depth_indices) == 12


def test_wrong_settings_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / 'drive', tmp_path / 'out'
    call = ['triangulate', str(source), '--out', str(out), '--set']
    assert main([*call, 'nearest=1']) == 1
    assert 'nearest_m' in capsys.readouterr().err
    assert main([*call, 'stereo=[left]']) == 1
    assert capsys.readouterr().err.count('\n') == 1
