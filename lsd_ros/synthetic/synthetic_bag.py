"""Writes a synthetic drive as a bag, the truth beside the images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.writer import BagWriter
from lsd_ros.errors import DatasetError
from lsd_ros.geometry.rigid import rotation_vector
from lsd_ros.messages import encode
from lsd_ros.messages.types import MessageTypes
from lsd_ros.synthetic.drive import Sample, SyntheticDrive
from lsd_ros.types import Estimate, Frame, Scale

IMAGE_TOPIC = '/camera/image_raw'
INFO_TOPIC = '/camera/camera_info'
DEPTH_TOPIC = '/ground_truth/depth'
ODOM_TOPIC = '/ground_truth/odom'
WORLD_FRAME = 'world'
RAW_ENCODINGS = ('bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8')
COMPRESSIONS = ('jpeg', 'png')
TRUTH_COVARIANCE = np.eye(6) * 1e-9  # zero would read as unknown
TWIST_SPAN_S = 0.02


def write_bag(
    path: str | Path,
    drive: SyntheticDrive,
    *,
    encoding: str = 'bgr8',
    storage: str = 'mcap',
    overwrite: bool = False,
    truth: bool = True,
    progress: Callable[[int], None] | None = None,
) -> None:
    """
    Write images and camera info, and true depth and true odometry of the camera.

    The image topic is ``/camera/image_raw``, with ``/compressed`` where images are compressed.
    The odometry is that of the optical frame in a world with z up.

    :param path: bag folder to make
    :param encoding: ``bgr8``, ``rgb8``, ``bgra8``, ``rgba8``, ``mono8``, ``jpeg`` or ``png``
    :param storage: ``mcap`` or ``sqlite3``
    :param overwrite: whether a bag at the path is replaced
    :param truth: false: write the camera alone
    :param progress: called with the number of frames written so far
    :raises DatasetError: the encoding is unknown, or the bag cannot be written
    """
    if encoding not in RAW_ENCODINGS + COMPRESSIONS:
        known = ', '.join(RAW_ENCODINGS + COMPRESSIONS)
        raise DatasetError(f'cannot write images as {encoding!r}: choose one of {known}')
    with BagWriter(path, storage, overwrite=overwrite) as bag:
        for index, sample in enumerate(drive):
            frame = sample.frame
            stamp, name, camera = frame.stamp_ns, frame.frame_id, drive.camera
            info = encode.camera_info(bag.types, camera, stamp, name)
            topic = IMAGE_TOPIC + ('/compressed' if encoding in COMPRESSIONS else '')
            bag.add(INFO_TOPIC, info, stamp)
            bag.add(topic, _image(bag.types, frame, encoding), stamp)
            if truth:
                bag.add(DEPTH_TOPIC, _depth(bag.types, sample), stamp)
                bag.add(ODOM_TOPIC, _odometry(bag.types, drive, index, sample), stamp)
            if progress is not None:
                progress(index + 1)


def _image(types: MessageTypes, frame: Frame, encoding: str) -> Any:
    make = encode.compressed_image if encoding in COMPRESSIONS else encode.raw_image
    return make(types, frame.image, frame.stamp_ns, frame.frame_id, encoding)


def _depth(types: MessageTypes, sample: Sample) -> Any:
    frame = sample.frame
    truth = Estimate(
        stamp_ns=frame.stamp_ns,
        frame_id=frame.frame_id,
        scale=Scale(1.0, True, 'truth'),
        camera=frame.camera,
        depth=sample.depth,
        image=frame.image,
    )
    return encode.depth_image(types, truth)


def _odometry(types: MessageTypes, drive: SyntheticDrive, index: int, sample: Sample) -> Any:
    return encode.odometry(
        types,
        sample.frame.stamp_ns,
        WORLD_FRAME,
        sample.frame.frame_id,
        sample.world_from_camera,
        TRUTH_COVARIANCE,
        _twist(drive, drive.start_s + float(drive.times_s[index])),
        TRUTH_COVARIANCE,
    )


def _twist(drive: SyntheticDrive, time_s: float) -> NDArray[np.float64]:
    """Return the velocity of the camera in its own frame [m/s, rad/s], shape (6,)."""
    before, now, after = (
        drive.world.path.pose(time_s + step * TWIST_SPAN_S / 2) for step in (-1, 0, 1)
    )
    velocity = now[:3, :3].T @ (after[:3, 3] - before[:3, 3])
    turn = rotation_vector(before[:3, :3].T @ after[:3, :3])
    return np.asarray(np.concatenate((velocity, turn)) / TWIST_SPAN_S, np.float64)
