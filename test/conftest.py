from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.messages import encode
from lsd_ros.messages.types import RosbagsTypes
from lsd_ros.ros import environment
from lsd_ros.types import Camera

# 0 is everybody's; above 101 the ports of a domain run into those that Linux hands out.
_DOMAINS = itertools.cycle(range(1, 102))


def pytest_configure() -> None:
    """Keep whatever the tests start on this machine, and apart from other ROS programs."""
    environment.prepare()
    # threads of torch that spin while they wait take the cores of the other test processes
    os.environ.setdefault('OMP_WAIT_POLICY', 'passive')
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    # compiled networks of tests are nobody else's
    os.environ['XDG_CACHE_HOME'] = tempfile.mkdtemp(prefix='lsd_ros_test_cache.')
    for _ in range(os.getpid() % 101):
        next(_DOMAINS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests around a ROS domain of their own: they run in real time, one by one."""
    for item in items:
        if {'own_domain', 'ros_domain'} & set(getattr(item, 'fixturenames', ())):
            item.add_marker('live')


def pytest_unconfigure() -> None:
    """Remove what the tests have cached."""
    shutil.rmtree(os.environ['XDG_CACHE_HOME'], ignore_errors=True)


@contextlib.contextmanager
def _own_domain() -> Iterator[int]:
    """Hold a ROS domain that no other test run on this machine holds."""
    for domain in itertools.islice(_DOMAINS, 101):
        path = Path(tempfile.gettempdir(), f'lsd_ros_test_{os.getuid()}_domain_{domain}.lock')
        with path.open('w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain
            return
    raise RuntimeError('all ROS domains are taken by other test runs on this machine')


@pytest.fixture(scope='session')
def own_domain() -> Callable[[], AbstractContextManager[int]]:
    """Return what gives a ROS domain of one's own, for fixtures that outlive a test."""
    pytest.importorskip(
        'rclpy', reason='needs rclpy: source a ROS distribution or take its wheels'
    )
    return _own_domain


@pytest.fixture
def ros_domain(
    own_domain: Callable[[], AbstractContextManager[int]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Give a test, and the processes that it starts, a ROS domain of their own."""
    with own_domain() as domain:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
        yield domain


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
