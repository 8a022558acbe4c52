"""Small bags in every format, written with rosbags rather than with our own writer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.messages import encode
from lsd_ros.messages.types import RosbagsTypes
from lsd_ros.types import Camera

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
CAMERA = Camera(48, 32, 40.0, 41.0, 23.5, 15.5)


class Item(NamedTuple):
    """One message to write."""

    topic: str
    message: Any
    stamp_ns: int


def typestore(kind: str) -> Any:
    """Return the definitions that a format is written with."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS1_NOETIC if kind == 'rosbag1' else Stores.ROS2_JAZZY)


class Bags:
    """Makes small bags of ``rosbag1``, ``mcap`` or ``sqlite3``."""

    start_ns = START_NS
    step_ns = STEP_NS
    camera = CAMERA

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.kind = kind
        self.types = RosbagsTypes(typestore(kind))

    @staticmethod
    def picture(index: int) -> NDArray[np.uint8]:
        """Return an image that no other index has, shape (32, 48, 3)."""
        return np.random.default_rng(index).integers(0, 256, (32, 48, 3), dtype=np.uint8)

    def image(self, index: int, topic: str = '/camera/image_raw', delay: int = 0) -> Item:
        """Return image number index, recorded some steps after it was exposed."""
        stamp_ns = START_NS + index * STEP_NS
        message = encode.rgb_image(self.types, self.picture(index), stamp_ns, 'optical')
        return Item(topic, message, stamp_ns + delay * STEP_NS)

    def info(
        self, index: int, topic: str = '/camera/camera_info', camera: Camera = CAMERA
    ) -> Item:
        """Return the camera info of image number index."""
        stamp_ns = START_NS + index * STEP_NS
        return Item(topic, encode.camera_info(self.types, camera, stamp_ns, 'optical'), stamp_ns)

    def drive(self, count: int = 6) -> list[Item]:
        """Return images with their camera infos, in order."""
        return [make(index) for index in range(count) for make in (self.image, self.info)]

    def write(self, items: Sequence[Item], name: str = 'bag', **options: Any) -> Path:
        """Write items in the order given."""
        if self.kind == 'rosbag1':
            return _write_rosbag1(self.folder / f'{name}.bag', items, **options)
        return _write_rosbag2(self.folder / name, self.kind, items, **options)


@pytest.fixture(params=['rosbag1', 'mcap', 'sqlite3'])
def every(tmp_path: Path, request: pytest.FixtureRequest) -> Bags:
    """Make bags of every format in turn."""
    return Bags(tmp_path, request.param)


@pytest.fixture
def bags(tmp_path: Path) -> Bags:
    """Make bags of mcap."""
    return Bags(tmp_path, 'mcap')


@pytest.fixture
def databases(tmp_path: Path) -> Bags:
    """Make bags of sqlite3."""
    return Bags(tmp_path, 'sqlite3')


def _write_rosbag1(path: Path, items: Sequence[Item], compression: str = 'none') -> Path:
    from rosbags.rosbag1 import Writer

    store = typestore('rosbag1')
    writer = Writer(path)
    if compression != 'none':
        writer.set_compression(Writer.CompressionFormat[compression.upper()])
    with writer:
        connections: dict[str, Any] = {}
        for topic, message, stamp_ns in items:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], stamp_ns, store.serialize_ros1(message, kind))
    return path


def _write_rosbag2(
    path: Path, kind: str, items: Sequence[Item], compression: str = 'NONE'
) -> Path:
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    store = typestore(kind)
    writer = Writer(path, version=9, storage_plugin=StoragePlugin[kind.upper()])
    writer.set_compression(CompressionMode[compression], CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, message, stamp_ns in items:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], stamp_ns, store.serialize_cdr(message, kind))
    return path
