"""What was found before an interruption is found again, and only for the same recording."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lsd_ros import settings
from lsd_ros.adaptation import found_geometry
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.found_geometry import FoundGeometry, find_geometry
from lsd_ros.adaptation.kept_structures import identity, read_structures, write_structures
from lsd_ros.adaptation.work_folder import claimed
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.errors import DatasetError
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.triangulation.structure_from_motion import SparseDepth, Structure
from lsd_ros.types import Camera

CAMERA = Camera(64, 32, 40.0, 40.0, 31.5, 15.5)
GIVEN = AdaptationSettings()


@pytest.fixture
def drives(tmp_path: Path) -> list[FolderSequence]:
    """Two drives of one name, with odometry."""
    for folder, seed in (('monday', 1), ('tuesday', 2)):
        write_sequence(tmp_path / folder / 'drive', SyntheticDrive('room', seed, CAMERA, 8))
    return [FolderSequence(tmp_path / folder / 'drive') for folder in ('monday', 'tuesday')]


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The drives that structure from motion was asked for; it says the truth."""
    asked: list[str] = []

    def true_structures(sequence: FolderSequence, *_: object) -> Iterator[Structure]:
        asked.append(sequence.name)
        yield structure_of(sequence)

    monkeypatch.setattr(found_geometry, 'structures', true_structures)
    monkeypatch.setattr(found_geometry, 'unsuitable', lambda _: '')
    return asked


def structure_of(sequence: FolderSequence) -> Structure:
    assert sequence.poses is not None
    v, u = (grid.ravel() for grid in np.mgrid[4:28:4, 4:60:4])
    points = []
    for index in range(len(sequence)):
        depth = sequence.depth(index)
        assert depth is not None
        points.append(SparseDepth(np.column_stack((u, v)).astype(np.float32), depth[v, u]))
    indices = np.arange(len(sequence), dtype=np.int64)
    return Structure(indices, sequence.poses, tuple(points), 0.5)


def find(
    sequences: list[FolderSequence], work: Path, given: AdaptationSettings = GIVEN
) -> FoundGeometry:
    @contextlib.contextmanager
    def silent(what: str, total: int) -> Iterator[object]:
        yield lambda: None

    return find_geometry(sequences, {'none': None}, work, given, silent)  # type: ignore[dict-item]


def test_an_interruption_costs_neither_motions_nor_parts_that_have_depth(
    drives: list[FolderSequence],
    solved: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work, made = tmp_path / 'work', []
    with_depth = found_geometry.with_depth

    def interrupted(*args: object) -> object:
        if made:
            raise KeyboardInterrupt
        made.append(with_depth(*args))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(found_geometry, 'with_depth', interrupted)
    with pytest.raises(KeyboardInterrupt):
        find(drives, work)
    first = work / 'known' / 'drive_00' / 'depth' / '000000.png'
    written = first.stat().st_mtime_ns
    monkeypatch.setattr(found_geometry, 'with_depth', with_depth)
    found = find(drives, work)
    assert solved == ['drive', 'drive']
    assert first.stat().st_mtime_ns == written
    assert [part['images'] for part in found.parts] == [8, 8]
    assert find(drives, work).parts == found.parts


def test_drives_of_one_name_stay_two(
    drives: list[FolderSequence], solved: list[str], tmp_path: Path
) -> None:
    found = find(drives, tmp_path / 'work')
    assert [path.name for path in found.known] == ['drive_00', 'drive_01']
    first, second = (Sequence(path).frame(0).image for path in found.known)
    assert not np.array_equal(first, second)


def test_what_was_found_in_other_images_is_not_gone_on_with(
    drives: list[FolderSequence], solved: list[str], tmp_path: Path
) -> None:
    work = tmp_path / 'work'
    find(drives[:1], work)
    shutil.copytree(tmp_path / 'monday' / 'drive', tmp_path / 'walk')
    for sequences, sentence in (
        (
            [FolderSequence(tmp_path / 'walk')],
            'work is of drive, not of walk: give another --work',
        ),
        (drives, 'work is of drive, not of drive, drive'),
        (drives[1:], 'work is of other images of drive'),
    ):
        with pytest.raises(DatasetError, match=sentence):
            find(sequences, work)
    seen = dataclasses.replace(CAMERA, fx=41.0)
    drives[0].camera = seen
    with pytest.raises(DatasetError, match='work is of another camera of drive'):
        find(drives[:1], work)
    assert solved == ['drive']


@pytest.mark.parametrize('name', ['camera_height_m', 'motions.overlap'])
def test_what_was_found_with_other_settings_is_not_gone_on_with(
    name: str, drives: list[FolderSequence], solved: list[str], tmp_path: Path
) -> None:
    find(drives, tmp_path / 'work')
    with pytest.raises(DatasetError, match=rf'was made with {name} \S+, not 3'):
        find(drives, tmp_path / 'work', settings.build(AdaptationSettings, {name: 3}))


def test_a_record_that_is_damaged_is_named(
    drives: list[FolderSequence], solved: list[str], tmp_path: Path
) -> None:
    find(drives, tmp_path / 'work')
    (tmp_path / 'work' / 'geometry.json').write_text('')
    with pytest.raises(DatasetError, match=r'geometry.json is damaged .*: remove it'):
        find(drives, tmp_path / 'work')


def test_motions_that_are_kept_come_back_as_they_were(
    drives: list[FolderSequence], tmp_path: Path
) -> None:
    file, looked_at = tmp_path / 'kept.npz', identity(drives[0], GIVEN)
    assert read_structures(file, looked_at) is None
    true = structure_of(drives[0])
    empty = SparseDepth(np.empty((0, 2), np.float32), np.empty(0, np.float32))
    bare = dataclasses.replace(true, points=(empty,) * 8, sure=False)
    write_structures(file, looked_at, [true, bare])
    back = read_structures(file, looked_at)
    assert back is not None
    for before, after in zip((true, bare), back, strict=True):
        assert (after.error_px, after.how, after.sure) == (
            before.error_px,
            before.how,
            before.sure,
        )
        np.testing.assert_array_equal(after.indices, before.indices)
        np.testing.assert_array_equal(after.world_from_camera, before.world_from_camera)
        for mine, its in zip(before.points, after.points, strict=True):
            np.testing.assert_array_equal(its.pixels, mine.pixels)
            np.testing.assert_array_equal(its.depth, mine.depth)
    assert read_structures(file, identity(drives[1], GIVEN)) is None
    file.write_bytes(file.read_bytes()[:100])
    assert read_structures(file, looked_at) is None
    write_structures(file, looked_at, [])
    assert read_structures(file, looked_at) == []


def test_one_process_works_in_a_folder_and_begins_anew_where_it_is_told_to(tmp_path: Path) -> None:
    work = tmp_path / 'work'
    (work / 'parts' / 'drive_00').mkdir(parents=True)
    (work / 'geometry.json').write_text('{}')
    with claimed(work):
        assert (work / 'geometry.json').exists()
        with pytest.raises(DatasetError, match='work is in use: another process'), claimed(work):
            pass
    left = work / 'parts' / '.part-drive_01.x'
    left.mkdir()
    with claimed(work):
        assert [path.name for path in (work / 'parts').iterdir()] == ['drive_00']
    with claimed(work, overwrite=True):
        assert [path.name for path in work.iterdir()] == ['.adaptation.lock']
