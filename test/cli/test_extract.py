from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lsd_ros.cli.main import main
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.synthetic.drive import SyntheticDrive


def test_a_bag_becomes_a_sequence_with_poses_and_depth(
    bag: Path, drive: SyntheticDrive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ['extract', str(bag), '--out', str(tmp_path), '--set', 'image_format=png']
    assert main([*call, '--licence', 'Apache-2.0']) == 0
    report = capsys.readouterr().out
    assert 'drive: 1 sequence, 12 of 12 images' in report
    assert 'depth /ground_truth/depth' in report
    (sequence,) = open_sequences([tmp_path])
    sample = drive.sample(5)
    np.testing.assert_array_equal(sequence.image(5), sample.frame.image)
    assert sequence.poses is not None
    np.testing.assert_allclose(sequence.poses[5], sample.world_from_camera, atol=1e-9)
    depth = sequence.depth(5)
    assert depth is not None
    near = np.isfinite(depth)
    assert near.mean() > 0.9
    np.testing.assert_allclose(depth[near], sample.depth[near], atol=6e-4)
    assert sequence.licence == 'Apache-2.0'
    assert main([*call, '--licence', 'Apache-2.0']) == 0
    assert 'finished before' in capsys.readouterr().out


def test_what_fails_is_one_line_beside_what_works(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'film.mp4').write_bytes(b'no film')
    out = tmp_path / 'out'
    assert main(['extract', str(bag), str(tmp_path / 'film.mp4'), '--out', str(out)]) == 1
    said = capsys.readouterr()
    assert said.err.count('\n') == 1
    assert 'film.mp4 is no video that OpenCV can decode' in said.err
    assert '1 of 2 failed' in said.err
    assert 'drive: 1 sequence' in said.out
    assert len(open_sequences([out])) == 1


def test_nothing_long_enough_is_told(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ['extract', str(bag), '--out', str(tmp_path), '--set', 'min_frames=100']
    assert main(call) == 1
    assert 'none has min_frames, which is 100' in capsys.readouterr().err
