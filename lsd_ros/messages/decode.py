"""
From messages to arrays and frames, by structure.

A message is what has the fields of its type: those of rclpy, where data is an ``array.array``, and
those of rosbags, where data is a numpy array, go through the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import MessageError
from lsd_ros.foreign.door import translated
from lsd_ros.messages import compressed, quaternion, raw
from lsd_ros.messages.bit_depth import BitDepth
from lsd_ros.types import BasePose, Camera, Frame


@translated(MessageError, 'an image cannot be read')
def image_to_rgb(
    msg: Any, bits: BitDepth | None = None, *, turned: bool = False
) -> NDArray[np.uint8]:
    """
    Decode a sensor_msgs/Image or sensor_msgs/CompressedImage.

    :param bits: of the 16 bit images of its camera; None: all
    :param turned: whether the view may have a negative last stride: bgr8 is not copied then
    :return: RGB, shape (H, W, 3); it may be a read-only view of the message
    :raises MessageError: unknown encoding, wrong size, truncated or damaged data
    """
    if _is_raw(msg):
        return raw.raw_to_rgb(msg, bits, turned=turned)
    return compressed.compressed_to_rgb(msg, bits, turned=turned)


@translated(MessageError, 'a depth image cannot be read')
def depth_to_metres(msg: Any) -> NDArray[np.float32]:
    """
    Decode a depth image: 32FC1 [m], 16UC1 or mono16 [mm] (REP-118), or compressedDepth PNG.

    :return: depth [m], shape (H, W), NaN where there is none; infinities of REP-117 stay
    :raises MessageError: the encoding is none of these, or the data are truncated
    """
    if not _is_raw(msg):
        return compressed.compressed_to_metres(msg)
    encoding = msg.encoding.lower()
    if encoding == '32fc1':
        depth = raw.pixels(msg, np.float32, 1).copy()
        depth[np.isfinite(depth) & (depth <= 0)] = np.nan
        return np.asarray(depth, np.float32)
    if encoding in ('16uc1', 'mono16'):
        values = raw.pixels(msg, np.uint16, 1)
        depth = values.astype(np.float32) / np.float32(1000)
        depth[values == 0] = np.nan
        return np.asarray(depth, np.float32)
    raise MessageError(
        f'encoding {msg.encoding!r} is no depth: send 32FC1 in metres or 16UC1 in millimetres'
    )


@translated(MessageError, 'an image cannot be read')
def frame_from_message(
    msg: Any,
    camera: Camera | None,
    bits: BitDepth | None = None,
    *,
    turned: bool = False,
    factor_of: Callable[[int, int], int] | None = None,
) -> Frame:
    """
    Decode an image message with its stamp and frame.

    :param camera: of this image, None while it is not known
    :param bits: of the 16 bit images of its camera; None: all
    :param turned: see :func:`image_to_rgb`
    :param factor_of: says of (width, height) by how much the image may be reduced, which makes
        JPEG faster to read; None: it is read as it is
    :raises MessageError: the image cannot be decoded
    :raises CameraError: the camera is of another size than the image
    """
    reduction = None
    if factor_of is None or _is_raw(msg):
        rgb = image_to_rgb(msg, bits, turned=turned)
    else:
        rgb, reduction = compressed.smaller_to_rgb(msg, bits, factor_of=factor_of, turned=turned)
    return Frame(stamp_ns(msg.header), msg.header.frame_id, rgb, camera, reduction)


def stamp_ns(header: Any) -> int:
    """Return the stamp of a std_msgs/Header [ns]."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


@translated(MessageError, 'a pose cannot be read')
def pose_to_matrix(msg: Any) -> NDArray[np.float64]:
    """
    Return the 4 x 4 matrix of a pose or transform.

    :param msg: geometry_msgs/Pose or Transform, or what holds one: stamped, with covariance, or a
        nav_msgs/Odometry
    :return: ``frame_id`` from ``child_frame_id`` (or from the thing whose pose it is)

    :raises MessageError: the message has no such thing, or its quaternion is no rotation
    """
    while hasattr(msg, 'pose') or hasattr(msg, 'transform'):
        msg = msg.pose if hasattr(msg, 'pose') else msg.transform
    position = getattr(msg, 'position', None) or getattr(msg, 'translation', None)
    turn = getattr(msg, 'orientation', None) or getattr(msg, 'rotation', None)
    if position is None or turn is None:
        raise MessageError(
            f'a {type(msg).__name__} has no pose: choose a topic of geometry_msgs/PoseStamped, '
            'geometry_msgs/TransformStamped or nav_msgs/Odometry'
        )
    matrix = np.eye(4)
    matrix[:3, :3] = quaternion.to_rotation((turn.x, turn.y, turn.z, turn.w))
    matrix[:3, 3] = (position.x, position.y, position.z)
    return matrix


@translated(MessageError, 'an odometry cannot be read')
def odometry(msg: Any, base_frame: str) -> BasePose:
    """
    Read a nav_msgs/Odometry.

    :param base_frame: frame that the odometry must be of
    :return: a covariance of the twist that is all zeros counts as unknown, as in ROS messages
    :raises MessageError: it is of another frame, or its quaternion is no rotation
    :raises FrameError: the pose or the covariance is not finite
    """
    if msg.child_frame_id != base_frame:
        raise MessageError(
            f'odometry of {msg.child_frame_id!r} cannot be used where base_frame is '
            f'{base_frame!r}: set base_frame to the child_frame_id of the odometry'
        )
    covariance = np.array(msg.twist.covariance, np.float64).reshape(6, 6)
    return BasePose(
        stamp_ns(msg.header), pose_to_matrix(msg), covariance if covariance.any() else None
    )


def _is_raw(msg: Any) -> bool:
    if hasattr(msg, 'encoding') and hasattr(msg, 'step'):
        return True
    if hasattr(msg, 'format'):
        return False
    raise MessageError(
        f'a {type(msg).__name__} is no image: choose a topic of sensor_msgs/Image or '
        'sensor_msgs/CompressedImage'
    )
