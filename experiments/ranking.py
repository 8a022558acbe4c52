r"""
Whether figures without truth rank weights as the truth does.

python experiments/ranking.py WORK OUT.json WEIGHTS... -- SEQUENCE...

Every sequence has true depth, which only the first figure looks at. Motions and triangulated depth
are found from the images alone, once, and kept in WORK.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.found_geometry import find_geometry
from lsd_ros.adaptation.held_out import judge
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.evaluation.depth import crop_for, depth_errors, summarise
from lsd_ros.foreign.output_paths import check_writable
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.shipped import weights_file
from lsd_ros.types import Frame

FIGURES = ('abs_rel', 'photometric', 'consistency')
EVERY_DEPTH = {'depth_size': 'camera', 'min_depth_m': 1e-3, 'max_depth_m': 1e4}


def main(work: Path, out: Path, weights: list[str], paths: list[Path]) -> None:
    """Print a table and the rank correlations of each sequence."""
    check_writable({'OUT.json': out})
    rows = {path.name: _rows(path, work / path.name, weights) for path in paths}
    for name, table in rows.items():
        print(f'\n{name}\ntruth  ' + '  '.join(FIGURES))
        for weight, row in table.items():
            print('  '.join(f'{value:.4f}' for value in row), weight)
        numbers = np.array(list(table.values()))
        for place, figure in enumerate(FIGURES, 1):
            rho = rank_correlation(numbers[:, 0], numbers[:, place])
            print(f'{figure}: rank correlation {rho:.2f} over {len(numbers)} weights')
    out.write_text(json.dumps(rows, indent=1), encoding='utf-8')


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's rho, without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


def _rows(path: Path, work: Path, weights: list[str]) -> dict[str, list[float]]:
    """Return truth and figures of each set of weights; the first finds the geometry."""
    sequence, given = FolderSequence(path), AdaptationSettings()
    work.mkdir(parents=True, exist_ok=True)
    with _engine(weights[0]) as engine:
        found = find_geometry([sequence], {weights[0]: engine}, work, given, _silent)
    known = [FolderSequence(part) for part in found.known]
    rows = {}
    for each in weights:
        with _engine(each) as engine:
            held_out, _ = judge(engine, known, given.parallax_px)
            truth = _true_error(engine, sequence)
        rows[each] = [truth, *(float(getattr(held_out, figure)) for figure in FIGURES)]
        print(path.name, each, rows[each], flush=True)
    return rows


def _true_error(engine: Engine, sequence: FolderSequence) -> float:
    """Return AbsRel after median scaling."""
    errors, camera = [], sequence.camera
    for index in range(len(sequence)):
        truth = sequence.depth(index)
        if truth is None or not np.isfinite(truth).any():
            continue
        frame = Frame(int(sequence.stamps_ns[index]), 'camera', sequence.image(index), camera)
        depth = engine.process(frame, motion=False).depth
        assert depth is not None
        crop = crop_for(camera.width, camera.height)
        errors.append(depth_errors(depth, truth, median_scaling=True, max_depth_m=80, crop=crop))
    return summarise(errors).abs_rel


@contextlib.contextmanager
def _engine(name: str) -> Iterator[Engine]:
    wanted = settings.build(EngineSettings, {'weights': str(weights_file(name)), **EVERY_DEPTH})
    with contextlib.closing(Engine.load(wanted)) as engine:
        yield engine


@contextlib.contextmanager
def _silent(name: str, count: int) -> Iterator[object]:
    yield lambda: None


if __name__ == '__main__':
    border = sys.argv.index('--')
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        sys.argv[3:border],
        [Path(path) for path in sys.argv[border + 1 :]],
    )
