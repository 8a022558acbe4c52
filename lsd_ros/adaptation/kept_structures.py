"""What structure from motion found in a sequence, in a file: an interruption costs none of it."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lsd_ros import settings
from lsd_ros.adaptation.adaptation_settings import AdaptationSettings
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.triangulation.structure_from_motion import SparseDepth, Structure

CHOOSING = ('max_images', 'stretch')  # which images are looked at
MATCHING = ('features', 'width', 'overlap', 'min_images')


def identity(sequence: TrainingSequence, given: AdaptationSettings) -> dict[str, Any]:
    """
    Return what structure from motion looks at, as JSON has it.

    :raises DatasetError: an image cannot be read
    """
    some = sorted({0, len(sequence) // 2, len(sequence) - 1})
    images = hashlib.sha256(np.ascontiguousarray(sequence.stamps_ns).tobytes())
    for index in some:
        images.update(np.ascontiguousarray(sequence.image(index)).tobytes())
    motions = settings.values(given.motions)
    return {
        'name': sequence.name,
        'images': images.hexdigest(),
        'camera': repr(sequence.camera),
        'settings': {
            **{name: getattr(given, name) for name in CHOOSING},
            **{f'motions.{name}': motions[name] for name in MATCHING},
        },
    }


def write_structures(file: Path, looked_at: dict[str, Any], found: Sequence[Structure]) -> None:
    """
    Keep what was found.

    :param looked_at: see :func:`identity`
    :raises DatasetError: the file cannot be written
    """
    told = [
        {
            'points': [len(points.depth) for points in structure.points],
            'error_px': structure.error_px,
            'how': structure.how,
            'sure': structure.sure,
        }
        for structure in found
    ]
    arrays: dict[str, Any] = {
        'told': np.array(json.dumps({'looked_at': looked_at, 'structures': told}))
    }
    for number, structure in enumerate(found):
        arrays[f'indices_{number}'] = structure.indices
        arrays[f'poses_{number}'] = structure.world_from_camera
        arrays[f'pixels_{number}'] = np.concatenate([each.pixels for each in structure.points])
        arrays[f'depth_{number}'] = np.concatenate([each.depth for each in structure.points])
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    write_atomically(file, packed.getvalue(), durable=True)


def read_structures(file: Path, looked_at: dict[str, Any]) -> list[Structure] | None:
    """
    Return what was kept; None: there is nothing, or it is of something else.

    :param looked_at: see :func:`identity`
    """
    if not file.exists():
        return None
    damaged = ForeignCode(DatasetError, f'{file} is damaged')
    with suppress(DatasetError), damaged, np.load(file) as kept:
        told = json.loads(str(kept['told']))
        if told['looked_at'] == looked_at:
            return [_structure(kept, *each) for each in enumerate(told['structures'])]
    return None


def _structure(kept: Any, number: int, told: dict[str, Any]) -> Structure:
    ends = np.cumsum(told['points'])[:-1]
    pixels, depth = (np.split(kept[f'{name}_{number}'], ends) for name in ('pixels', 'depth'))
    return Structure(
        kept[f'indices_{number}'],
        kept[f'poses_{number}'],
        tuple(SparseDepth(u_v, metres) for u_v, metres in zip(pixels, depth, strict=True)),
        told['error_px'],
        told['how'],
        told['sure'],
    )
