"""Which of several weights a recording goes on from."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.found_geometry import RECORD, find_geometry
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.types import Camera

pytest.importorskip('pycolmap')
CAMERA = Camera(256, 128, 160.0, 160.0, 127.5, 63.5)


def test_a_street_goes_on_from_weights_for_streets_whatever_comes_first(tmp_path: Path) -> None:
    path, work = tmp_path / 'drive', tmp_path / 'work'
    write_sequence(path, SyntheticDrive('street', 5, CAMERA, 40, start_s=2.5))
    (path / 'poses.tum').unlink()
    shutil.rmtree(path / 'depth')
    given = settings.build(AdaptationSettings, {'motions.threads': 1})
    with contextlib.ExitStack() as stack:
        engines = {
            name: stack.enter_context(
                contextlib.closing(
                    Engine.load(
                        settings.build(EngineSettings, {'weights': name, 'depth_size': 'camera'})
                    )
                )
            )
            for name in ('indoors', 'street')
        }
        found = find_geometry([FolderSequence(path)], engines, work, given, _silent)
        assert found.start == 'street'
        assert found.fits['street'] < 0.8 * found.fits['indoors']
        assert found.parts[0]['metres'] == 'depth of the weights street'
        again = find_geometry([FolderSequence(path)], engines, work, given, _silent)
        assert (again.start, again.fits, again.parts) == (found.start, found.fits, found.parts)
        # another call may name its start: what was found stays, and the choice is its own
        named = {'indoors': engines['indoors']}
        other = find_geometry([FolderSequence(path)], named, work, given, _silent)
        assert other.start == 'indoors'
        # a folder of a version that did not choose
        record = work / RECORD
        older = json.loads(record.read_text())
        del older['start'], older['fits']
        record.write_text(json.dumps(older))
        older_found = find_geometry([FolderSequence(path)], named, work, given, _silent)
        assert (older_found.start, older_found.fits) == ('indoors', {})


@contextlib.contextmanager
def _silent(what: str, total: int) -> Iterator[object]:
    yield lambda: None
