"""Sound files of every kind, small, to be damaged."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lsd_ros.datasets.camera_yaml import write_camera
from lsd_ros.datasets.sequence_writer import SequenceWriter
from lsd_ros.messages import encode
from lsd_ros.messages.types import RosbagsTypes
from lsd_ros.types import IDENTITY_ROTATION, Camera, Distortion, Frame

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
LENS = Distortion('plumb_bob', (0.01, 0.0, 0.0, 0.0, 0.0), IDENTITY_ROTATION, (20, 20, 11.5, 7.5))
CAMERA = Camera(24, 16, 20.0, 20.0, 11.5, 7.5)
FRAMES = 4

Reader = Callable[[Path], object]


@dataclass(frozen=True)
class Original:
    """
    One sound file.

    :param group: bags, weights, texts, images or videos
    :param name: of its kind
    :param path: of the folder or file that is read
    :param damaged: the file that is damaged
    :param reader: by name, of ``readers.py``
    """

    group: str
    name: str
    path: Path
    damaged: Path
    reader: str


def picture(index: int, size: tuple[int, int] = (16, 24)) -> Any:
    return np.random.default_rng(index).integers(0, 256, (*size, 3), dtype=np.uint8)


def items(types: RosbagsTypes, ros1: bool = False) -> Iterator[tuple[str, Any, int]]:
    """Yield what a robot records: images, raw and as JPEG, camera info, depth, odometry, tf."""
    for index in range(FRAMES):
        stamp_ns = START_NS + index * STEP_NS
        yield (
            '/camera/image_raw',
            encode.rgb_image(types, picture(index), stamp_ns, 'eye'),
            stamp_ns,
        )
        yield '/camera/camera_info', encode.camera_info(types, CAMERA, stamp_ns, 'eye'), stamp_ns
        packed = encode.compressed_image(types, picture(index), stamp_ns, 'eye')
        yield '/other/image_raw/compressed', packed, stamp_ns
        pose = np.eye(4)
        pose[0, 3] = 0.1 * index
        moved = encode.transform(types, stamp_ns, 'odom', 'eye', pose)
        if not ros1:  # the definitions that we write them with know no transforms
            yield '/tf', encode.transforms(types, [moved]), stamp_ns
        yield '/pose', encode.pose_stamped(types, stamp_ns, 'world', pose), stamp_ns


def make_originals(folder: Path) -> list[Original]:
    """Make one of each."""
    return [
        *_bags(folder / 'bags'),
        *_texts(folder / 'texts'),
        *_weights(folder / 'weights'),
        *_images(folder / 'images'),
        *_videos(folder / 'videos'),
    ]


def _bags(folder: Path) -> Iterator[Original]:
    folder.mkdir(parents=True)
    for name, options in {
        'mcap none': {'compression': 'NONE'},
        'mcap zstd': {'compression': 'ZSTD'},
        'mcap lz4': {'compression': 'LZ4'},
        'mcap without chunks': {'compression': 'NONE', 'use_chunking': False},
    }.items():
        path = folder / f'{name.replace(" ", "_")}.mcap'
        _mcap(path, **options)
        yield Original('bags', name, path, path, 'bag')
    for compression in ('none', 'bz2', 'lz4'):
        path = folder / f'ros1_{compression}.bag'
        _rosbag1(path, compression)
        yield Original('bags', f'rosbag1 {compression}', path, path, 'bag')
    for name, mode in (('sqlite3', 'NONE'), ('sqlite3 zstd messages', 'MESSAGE')):
        path = folder / name.replace(' ', '_')
        _rosbag2(path, mode)
        (file,) = path.glob('*.db3')
        yield Original('bags', name, path, file, 'bag')
    logged = folder / 'logged'
    _write_ahead(logged, folder / 'sqlite3')
    yield Original('bags', 'sqlite3 log', logged, logged / 'sqlite3.db3-wal', 'bag')


def _mcap(path: Path, compression: str, **options: Any) -> None:
    from mcap.writer import CompressionType, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    with path.open('wb') as file:
        kind = CompressionType[compression]
        writer = Writer(file, chunk_size=4000, compression=kind, **options)
        writer.start('ros2')
        channels: dict[str, int] = {}
        for topic, message, stamp_ns in items(RosbagsTypes(store)):
            name = message.__msgtype__
            if topic not in channels:
                text, _ = store.generate_msgdef(name, ros_version=2)
                schema = writer.register_schema(name, 'ros2msg', text.encode())
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            raw = bytes(store.serialize_cdr(message, name))
            writer.add_message(channels[topic], stamp_ns, raw, stamp_ns)
        writer.finish()


def _rosbag1(path: Path, compression: str) -> None:
    from rosbags.rosbag1 import Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS1_NOETIC)
    writer = Writer(path)
    if compression != 'none':
        writer.set_compression(Writer.CompressionFormat[compression.upper()])
    with writer:
        writer.chunk_threshold = 4000
        connections: dict[str, Any] = {}
        for topic, message, stamp_ns in items(RosbagsTypes(store), ros1=True):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], stamp_ns, store.serialize_ros1(message, kind))


def _rosbag2(path: Path, mode: str) -> None:
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    writer = Writer(path, version=9, storage_plugin=StoragePlugin.SQLITE3)
    writer.set_compression(CompressionMode[mode], CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, message, stamp_ns in items(RosbagsTypes(store)):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=store)
            writer.write(connections[topic], stamp_ns, store.serialize_cdr(message, kind))


def _write_ahead(folder: Path, source: Path) -> None:
    """Copy a database, and write to it in another process that ends without closing it."""
    shutil.copytree(source, folder)
    code = (
        'import os, sqlite3, sys\n'
        'one = sqlite3.connect(sys.argv[1])\n'
        'one.execute("PRAGMA journal_mode=WAL")\n'
        'one.execute("INSERT INTO messages(topic_id, timestamp, data) '
        'SELECT topic_id, timestamp + 1000000000, data FROM messages")\n'
        'one.commit()\n'
        'os._exit(0)\n'
    )
    subprocess.run([sys.executable, '-c', code, folder / 'sqlite3.db3'], check=True)
    assert sqlite3.sqlite_version
    (folder / 'sqlite3.db3-shm').unlink(missing_ok=True)


def _sequence(path: Path, camera: Camera = CAMERA) -> Path:
    with SequenceWriter(path, camera, suffix='.png', manifest={'origin': 'x'}) as writer:
        for index in range(FRAMES):
            pose = np.eye(4)
            pose[0, 3] = 0.1 * index
            frame = Frame(START_NS + index * STEP_NS, 'eye', picture(index))
            depth = np.full((16, 24), 2.0, np.float32)
            writer.add(frame, world_from_camera=pose, depth=depth)
    return path


def _texts(folder: Path) -> Iterator[Original]:
    folder.mkdir(parents=True)
    distorted = Camera(24, 16, 20.0, 20.0, 11.5, 7.5, LENS)
    for name in ('camera.yaml', 'manifest.yaml', 'timestamps.txt', 'poses.tum'):
        path = _sequence(folder / f'sequence {name}')
        write_camera(path / 'camera.yaml', distorted)
        yield Original('texts', name, path, path / name, 'sequence')
    opencv = folder / 'opencv.yaml'
    file = cv2.FileStorage(str(opencv), cv2.FILE_STORAGE_WRITE)
    for key, value in (
        ('image_width', 24),
        ('image_height', 16),
        ('camera_matrix', CAMERA.matrix),
    ):
        file.write(key, value)
    file.release()
    yield Original('texts', 'camera of OpenCV', opencv, opencv, 'camera')
    kalibr = folder / 'kalibr.yaml'
    kalibr.write_text(
        'cam0:\n  camera_model: pinhole\n  distortion_model: radtan\n'
        '  distortion_coeffs: [0.1, 0.2, 0.3, 0.4]\n  intrinsics: [20.0, 20.0, 11.5, 7.5]\n'
        '  resolution: [24, 16]\n'
    )
    yield Original('texts', 'camchain of kalibr', kalibr, kalibr, 'camera')
    bag = folder / 'bag'
    _rosbag2(bag, 'NONE')
    yield Original('texts', 'metadata.yaml', bag, bag / 'metadata.yaml', 'bag')
    config = folder / 'config.yaml'
    config.write_text('threads: 1\nscale:\n  source: fixed\n  factor: 2.0\nmin_depth_m: 0.3\n')
    yield Original('texts', 'configuration', config, config, 'config')
    rgbd = folder / 'rgbd'
    (rgbd / 'rgb').mkdir(parents=True)
    for index in range(3):
        cv2.imwrite(str(rgbd / 'rgb' / f'{index}.png'), picture(index))
    (rgbd / 'rgb.txt').write_text(''.join(f'{i}.1 rgb/{i}.png\n' for i in range(3)))
    lines = ''.join(f'{i}.1 0 0 {i} 0 0 0 1\n' for i in range(3))
    (rgbd / 'groundtruth.txt').write_text(lines)
    write_camera(rgbd / 'camera.yaml', CAMERA)
    yield Original('texts', 'rgb.txt of TUM', rgbd, rgbd / 'rgb.txt', 'data')
    split = folder / 'split.txt'
    split.write_text('2011_09_26/2011_09_26_drive_0001_sync 5 l\n' * 3)
    yield Original('texts', 'Eigen split', split, split, 'split')
    extraction = folder / 'extraction'
    shutil.copytree(bag, extraction / 'bag')
    yield Original(
        'texts',
        'extraction record',
        extraction,
        extraction / 'out' / 'bag.extraction.yaml',
        'extraction',
    )


def _weights(folder: Path) -> Iterator[Original]:
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    from lsd_ros.models.checkpoint import save_weights, tensors_sha256

    folder.mkdir(parents=True)
    new, old = folder / 'new.safetensors', folder / 'old.safetensors'
    torch.manual_seed(0)
    save_weights(_small(), new)
    yield Original('weights', 'weights', new, new, 'weights')
    with safe_open(new, framework='pt') as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    header |= {'format': 'lsd_ros.weights/1', 'sha256': tensors_sha256(tensors)}
    save_file(tensors, old, metadata=header)
    yield Original('weights', 'weights of the first format', old, old, 'weights')
    header_json = folder / 'header.json'
    header_json.write_text(json.dumps(header, indent=0))
    yield Original('weights', 'header of weights', old, header_json, 'weights header')


def _small() -> Any:
    from lsd_ros.geometry.depth import DisparityRange
    from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
    from lsd_ros.models.pose_net import PoseNet
    from lsd_ros.models.preprocessing import Preprocessing
    from lsd_ros.models.small_depth_net import SmallDepthNet
    from lsd_ros.models.weights import Weights, WeightsCard

    shape = SmallDepthSettings(encoder_widths=(4, 4, 4, 4, 4), full_width=4)
    return Weights(
        SmallDepthNet(shape).eval(),
        PoseNet(PoseSettings(widths=(4, 4))).eval(),
        Preprocessing(width=96, height=64, fit='stretch'),
        DisparityRange(0.1, 100.0),
        WeightsCard(name='small', trained=False),
    )


def _images(folder: Path) -> Iterator[Original]:
    for suffix in ('.jpg', '.png', '.bmp', '.tif', '.webp', '.ppm'):
        path = folder / suffix[1:]
        path.mkdir(parents=True)
        for index in range(2):
            cv2.imwrite(str(path / f'{index}{suffix}'), picture(index))
        yield Original('images', suffix[1:], path, path / f'0{suffix}', 'pictures')


def _videos(folder: Path) -> Iterator[Original]:
    folder.mkdir(parents=True)
    for suffix, code in (('.mp4', 'mp4v'), ('.avi', 'MJPG')):
        path = folder / f'film{suffix}'
        fourcc = cv2.VideoWriter.fourcc(*code)
        writer = cv2.VideoWriter(str(path), fourcc, 30.0, (64, 48))
        for index in range(6):
            writer.write(picture(index, (48, 64)))
        writer.release()
        yield Original('videos', suffix[1:], path, path, 'video')
