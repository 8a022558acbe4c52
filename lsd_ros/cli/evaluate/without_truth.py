"""``lsd_ros evaluate --without-truth``: what geometry alone says of weights."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.adaptation.found_geometry import find_geometry
from lsd_ros.adaptation.held_out import judge
from lsd_ros.adaptation.work_folder import claimed
from lsd_ros.cli.checking import opened_data
from lsd_ros.cli.engine_setup import running_engine
from lsd_ros.cli.held_out import held_out_table
from lsd_ros.cli.printing import json_text, say
from lsd_ros.cli.progress import progress
from lsd_ros.datasets.open_sequences import FolderSequence
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.engine_settings import EngineSettings


def run_without_truth(given: argparse.Namespace, wanted: EngineSettings) -> int:
    """
    Find motions and depth by structure from motion, and compare what the weights say with it.

    :raises DatasetError: the images say nothing of their places
    """
    how = AdaptationSettings()
    sequences = opened_data(given)
    with _work(given.work) as work, running_engine(wanted) as engine:
        found = find_geometry(
            sequences,
            {engine.info.name: engine},
            work,
            how,
            lambda what, total: progress(what, total, 'image'),
        )
        if not found.known:
            raise DatasetError(found.left_out[0] if found.left_out else 'there is not one image')
        known = [FolderSequence(path) for path in found.known]
        with progress('measuring', sum(len(sequence) for sequence in known)) as advance:
            figures, _ = judge(engine, known, how.parallax_px, advance)
        info = engine.info
    say(f'weights {info.weights} ({info.name}), {info.backend} on {info.device}')
    for part in found.parts:
        say(f'{part["name"]}: {part["images"]} images that hang together')
    for reason in found.left_out:
        say(f'left out: {reason}')
    say(f'on {figures.images} images, by structure from motion: these are not metres')
    say('\n'.join(held_out_table({info.name: figures})))
    if given.json is not None:
        content = {'weights': info.name, **dataclasses.asdict(figures), 'parts': found.parts}
        write_atomically(given.json, json_text(content).encode() + b'\n')
    return 0


@contextlib.contextmanager
def _work(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        with claimed(folder):
            yield folder
        return
    with tempfile.TemporaryDirectory(prefix='lsd_ros_evaluate_') as made:
        yield Path(made)
