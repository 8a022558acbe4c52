"""
What can be known of a call before torch is loaded: seconds of work for a sentence are too many.

Sources and sequences are opened here once; the verbs go on with them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lsd_ros.adaptation.work_folder import check_work_folder
from lsd_ros.bags.odometry_topic import odometry_topic
from lsd_ros.bags.reader import BagReader
from lsd_ros.cli.engine_setup import engine_settings
from lsd_ros.cli.export import files_of, output_of
from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.datasets.source import kind_of_source, open_source
from lsd_ros.datasets.training_sequence import TrainingSequence
from lsd_ros.errors import CameraError, DatasetError, SettingError, TrainingError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import kind_of_node, read_text
from lsd_ros.foreign.output_paths import check_apart, check_writable
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.shipped import weights_file
from lsd_ros.models.stored_weights import existing_weights, read_stored
from lsd_ros.types.frame_source import FrameSource

DEMO_REPORT = 'report.json'
ESTIMATE = 'estimate'  # instead of the file of a calibration
MADE_BY_DEMO = 'lsd_ros demo'


def check(given: argparse.Namespace) -> None:
    """
    Check the files of a call.

    :raises LsdError: the call cannot come to anything
    """
    checks: dict[str, Callable[[argparse.Namespace], None]] = {
        'adapt': _adapt,
        'benchmark': _benchmark,
        'demo': _demo,
        'doctor': _doctor,
        'evaluate': _evaluate,
        'export': _export,
        'mask': _mask,
        'replay': _replay,
        'train': _train,
        'triangulate': _triangulate,
    }
    if given.verb in checks:
        checks[given.verb](given)


def opened_source(given: argparse.Namespace) -> FrameSource:
    """Open the source of a call, once."""
    if getattr(given, 'opened', None) is None:
        camera = None if given.camera is None else read_camera(given.camera)
        given.opened = open_source(given.input, image_topic=given.topic, camera=camera)
    source: FrameSource = given.opened
    return source


def opened_data(given: argparse.Namespace) -> list[TrainingSequence]:
    """Open the sequences of a call, once."""
    if getattr(given, 'opened', None) is None:
        given.opened = open_sequences(given.data, split=given.split)
    sequences: list[TrainingSequence] = given.opened
    return sequences


def check_bag_output(path: Path, *, overwrite: bool) -> None:
    """
    Check that nothing but a bag would be replaced.

    :raises DatasetError: something stands there
    """
    if not path.exists():
        return
    if not overwrite:
        raise DatasetError(f'{path} exists already: add --overwrite, or choose another output')
    if not (path / 'metadata.yaml').is_file():
        raise DatasetError(f'{path} is no bag and is not overwritten: choose another output')


def work_folder(given: argparse.Namespace) -> Path:
    """Return the folder for what an adaptation makes on the way."""
    work: Path | None = given.work
    out: Path = given.out
    return work or out.parent / f'{out.name}.adapt'


def _adapt(given: argparse.Namespace) -> None:
    work = work_folder(given)
    calibration = None if given.camera == ESTIMATE else given.camera
    inputs = [*given.recordings, calibration, given.config, _weights(given.start)]
    check_apart({'--out': given.out, '--work': work}, inputs)
    check_writable({'--out': given.out})
    for path in given.recordings:
        kind_of_source(path)
    if calibration:
        read_camera(calibration)
    check_work_folder(work, overwrite=given.overwrite)


def _mask(given: argparse.Namespace) -> None:
    preview = given.out.parent / f'{given.out.stem}_preview{given.out.suffix}'
    for output in (given.out, preview):
        check_apart({'--out': output}, [given.input])
        if not output.exists():
            continue
        if not output.is_file():
            kind = kind_of_node(output.stat().st_mode)
            raise DatasetError(f'{output} is a {kind} and no file: choose another file')
        if not given.overwrite:
            raise DatasetError(f'{output} exists already: add --overwrite, or choose another file')
    check_writable({'--out': given.out})
    if given.out.suffix.lower() != '.png':
        raise SettingError(f"--out is {str(given.out)!r}: the file of a mask ends in '.png'")


def _replay(given: argparse.Namespace) -> None:
    settings = engine_settings(given)
    outputs = {'--out': given.out, '--preview': given.preview, '--video': given.video}
    inputs = [given.input, given.camera, given.config, settings.mask.file]
    check_apart(outputs, [*inputs, _weights(settings.weights)])
    check_bag_output(given.out, overwrite=given.overwrite)
    _check_new(given.preview)
    _check_new(given.video)
    check_writable({'--video': given.video})
    source = opened_source(given)
    try:
        _check_camera(source, settings)
        _check_odometry(given, settings)
    except BaseException:
        source.__exit__(None, None, None)
        raise


def _check_camera(source: FrameSource, settings: EngineSettings) -> None:
    """
    Check that the first frame has a camera that can be used.

    :raises CameraError: it has none, or one that is to be refused
    """
    if source.camera_problem:
        raise CameraError(
            'the input has no camera calibration: give one with --camera FILE '
            f'({source.camera_problem})'
        )
    camera = source.first_camera
    if camera is not None and camera.distortion is not None and settings.distortion == 'refuse':
        raise CameraError(
            f'the camera of the input has {camera.distortion.model} distortion '
            f"{camera.distortion.coefficients}: set distortion to 'undistort', or to 'rectified' "
            'where the images are rectified already (--set distortion=undistort)'
        )


def _check_odometry(given: argparse.Namespace, settings: EngineSettings) -> None:
    if settings.scale.source != 'odometry' and not settings.odometry.fuse:
        return
    if kind_of_source(given.input) != 'bag':
        raise DatasetError(
            f'{given.input} is no bag and has no odometry: choose another scale.source, and '
            'odometry.fuse=false'
        )
    with BagReader(given.input) as bag:
        odometry_topic(bag, given.odometry)


def _evaluate(given: argparse.Namespace) -> None:
    settings = engine_settings(given)
    file = weights_file(settings.weights)
    if not file.is_dir():  # else it is a teacher's training
        _weights(settings.weights)
    inputs = [*given.data, given.split, given.teacher, given.config, file]
    outputs = {'--json': given.json, '--pictures': given.pictures, '--work': given.work}
    check_apart(outputs, inputs)
    calibrated = file if given.write_calibration and file.is_file() else None
    check_writable({'--json': given.json, '--weights': calibrated})
    _check_new(given.pictures)
    if given.work is not None:
        check_work_folder(given.work, overwrite=False)
    opened_data(given)


def _train(given: argparse.Namespace) -> None:
    teacher = getattr(given, 'teacher', None)
    config = given.config if given.overwrite or not given.out.exists() else None
    inputs = [*given.data, *(given.validate or []), given.split, teacher, config]
    check_apart({'--out': given.out}, inputs)
    if teacher is not None and not teacher.is_dir():
        raise TrainingError(f'{teacher} holds no training: give the folder of a teacher with RUN')
    opened_data(given)


def _triangulate(given: argparse.Namespace) -> None:
    weights = None if given.weights is None else _weights(given.weights)
    for path in given.sequences:
        target = given.out / path.resolve().name
        check_apart({'--out': target}, [*given.sequences, given.config, weights])


def _export(given: argparse.Namespace) -> None:
    out = output_of(given)
    check_apart({'--out': out}, [_weights(given.weights)])
    check_writable({'--out': out})
    for path in files_of(given):
        if path.exists() and not given.overwrite:
            raise DatasetError(f'{path} exists already: add --overwrite, or choose another path')


def _benchmark(given: argparse.Namespace) -> None:
    weights = _weights(engine_settings(given).weights)
    if given.live:
        kind_of_source(Path(given.live))
    check_apart({'--json': given.json}, [given.live or None, given.config, weights])
    check_writable({'--json': given.json})


def _doctor(given: argparse.Namespace) -> None:
    weights = _weights(engine_settings(given).weights)
    if given.path is not None:
        kind_of_source(given.path)
    check_apart({'--json': given.json}, [given.path, given.config, weights])
    check_writable({'--json': given.json})


def _demo(given: argparse.Namespace) -> None:
    """Replace nothing but what an older demo left."""
    if given.weights:
        check_apart({'--out': given.out}, [_weights(given.weights)])
    path: Path = given.out
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    ours = False
    with suppress(DatasetError), ForeignCode(DatasetError, 'it is no report'):
        report = json.loads(read_text(path / DEMO_REPORT, DatasetError))
        ours = report['made_by'] == MADE_BY_DEMO
    if not ours:
        raise DatasetError(f'{path} is not of an older demo and is left alone: give another --out')


def _weights(given: str) -> Path:
    path = existing_weights(given)
    read_stored(path)
    return path


def _check_new(folder: Path | None) -> None:
    if folder is not None and folder.exists():
        raise DatasetError(f'{folder} exists already: remove it, or choose another output path')
