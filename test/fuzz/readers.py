"""Read everything of a file, as the verbs do; what is raised is for the caller to judge."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from lsd_ros import config
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.summary import summary
from lsd_ros.datasets.camera_yaml import read_camera
from lsd_ros.datasets.image_file import read_rgb
from lsd_ros.datasets.image_folder import ImageFolder
from lsd_ros.datasets.kitti import read_split
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.datasets.sequence import Sequence
from lsd_ros.datasets.source import open_source
from lsd_ros.datasets.video import VideoReader
from lsd_ros.errors import LsdError
from lsd_ros.extraction.extraction import extract
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.extraction.extraction_source import ExtractionSource
from lsd_ros.inference.engine_settings import EngineSettings

KEPT = ExtractionSettings(min_frames=3, still_by='none', image_format='png')


def bag(path: Path) -> None:
    """Describe a bag, decode all its messages, and go through it as an extraction does."""
    with BagReader(path) as opened:
        summary(opened)
        for message in opened.messages():
            with contextlib.suppress(LsdError):
                _ = message.message
    with ExtractionSource(path, KEPT) as source:
        for frame in source.frames:
            source.pose(frame.stamp_ns)
            source.depth(frame.stamp_ns)


def sequence(path: Path) -> None:
    """Read a sequence as a source and as data to learn from."""
    opened = Sequence(path)
    opened.describe()
    for index, _ in enumerate(opened):
        opened.depth(index)
    data(path)


def data(path: Path) -> None:
    """Read whatever can be learned from."""
    for opened in open_sequences([path]):
        for index in range(len(opened)):
            opened.image(index)
            opened.depth(index)


def camera(path: Path) -> None:
    read_camera(path)


def settings(path: Path) -> None:
    config.load(path, EngineSettings)


def split(path: Path) -> None:
    read_split(path)


def extraction(path: Path) -> None:
    """Go on with an extraction whose record is damaged."""
    extract([path / 'bag'], path / 'out', KEPT, jobs=1)


def weights(path: Path) -> None:
    from lsd_ros.models.checkpoint import describe_weights, load_weights

    describe_weights(load_weights(path))


def weights_header(path: Path) -> None:
    """Read weights of the first format, whose header no SHA-256 covers, with another header."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    text = path.with_name('header.json').read_text(errors='replace')
    try:
        header = {str(key): str(value) for key, value in json.loads(text).items()}
    except (ValueError, AttributeError):
        return
    with safe_open(path, framework='pt') as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    changed = path.with_name('changed.safetensors')
    save_file(tensors, changed, metadata=header)
    weights(changed)


def pictures(path: Path) -> None:
    folder = ImageFolder(path)
    folder.describe()
    for _ in folder:
        pass
    for file in sorted(path.iterdir()):  # a folder passes over what is damaged
        read_rgb(file)


def video(path: Path) -> None:
    opened = VideoReader(path)
    opened.describe()
    for _ in opened:
        pass
    opened.stamps_ns()
    with open_source(path) as source:
        source.describe()


READERS = {
    'bag': bag,
    'sequence': sequence,
    'data': data,
    'camera': camera,
    'config': settings,
    'split': split,
    'extraction': extraction,
    'weights': weights,
    'weights header': weights_header,
    'pictures': pictures,
    'video': video,
}
