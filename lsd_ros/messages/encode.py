"""From estimates, clouds, scans and poses to messages, for every family of message classes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import FrameError, MessageError
from lsd_ros.messages import quaternion
from lsd_ros.messages.types import MessageTypes, as_bytes
from lsd_ros.types import IDENTITY_ROTATION, Camera, Cloud, Estimate, Scan

_BIG_ENDIAN = sys.byteorder == 'big'
_POINT_FIELDS = ('x', 'y', 'z', 'rgb')
_FLOAT32 = 7  # sensor_msgs/PointField
_RAW_CODES = {
    'rgb8': None,
    'bgr8': cv2.COLOR_RGB2BGR,
    'rgba8': cv2.COLOR_RGB2RGBA,
    'bgra8': cv2.COLOR_RGB2BGRA,
    'mono8': cv2.COLOR_RGB2GRAY,
}

FARTHEST_MM = 65535


def header(types: MessageTypes, stamp_ns: int, frame_id: str) -> Any:
    """
    Make a std_msgs/Header.

    :raises MessageError: the stamp is negative or does not fit the message
    """
    seconds, nanoseconds = divmod(int(stamp_ns), 1_000_000_000)
    if not 0 <= seconds < 2**31:
        raise MessageError(
            f'stamp of {stamp_ns} ns does not fit a message: it must be 0 to 2^31 s'
        )
    stamp = types.make('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    return types.make('std_msgs/msg/Header', stamp=stamp, frame_id=frame_id)


def depth_image(types: MessageTypes, estimate: Estimate, encoding: str = '32FC1') -> Any:
    """
    Make a sensor_msgs/Image of the depth (REP-118).

    :param encoding: ``32FC1``, metres with the infinities of REP-117, or ``16UC1``, millimetres
        with 0 for everything that is no depth, or farther than 65.535 m
    :raises FrameError: the estimate has no depth
    """
    if estimate.depth is None:
        raise FrameError('this estimate has no depth to publish: none was asked for')
    depth = estimate.depth if encoding == '32FC1' else _millimetres(estimate.depth)
    return _image(types, depth, encoding, estimate.stamp_ns, estimate.frame_id)


def uncertainty_image(types: MessageTypes, estimate: Estimate) -> Any:
    """
    Make a sensor_msgs/Image 32FC1 of the standard deviation of the depth.

    :raises FrameError: the estimate does not know it
    """
    if estimate.uncertainty is None:
        raise FrameError('this estimate has no uncertainty to publish: the weights do not know it')
    return _image(types, estimate.uncertainty, '32FC1', estimate.stamp_ns, estimate.frame_id)


def rgb_image(types: MessageTypes, rgb: NDArray[np.uint8], stamp_ns: int, frame_id: str) -> Any:
    """Make a sensor_msgs/Image rgb8 of an RGB image, shape (H, W, 3)."""
    return _image(types, rgb, 'rgb8', stamp_ns, frame_id)


def raw_image(
    types: MessageTypes,
    rgb: NDArray[np.uint8],
    stamp_ns: int,
    frame_id: str,
    encoding: str = 'bgr8',
) -> Any:
    """
    Make a sensor_msgs/Image as a camera driver would.

    :param rgb: shape (H, W, 3)
    :param encoding: ``rgb8``, ``bgr8``, ``rgba8``, ``bgra8`` or ``mono8``
    :raises MessageError: the encoding is another one
    """
    if encoding not in _RAW_CODES:
        known = ', '.join(_RAW_CODES)
        raise MessageError(f'cannot write encoding {encoding!r}: choose one of {known}')
    code = _RAW_CODES[encoding]
    pixels = rgb if code is None else cv2.cvtColor(rgb, code)
    return _image(types, pixels, encoding, stamp_ns, frame_id)


def compressed_image(
    types: MessageTypes,
    rgb: NDArray[np.uint8],
    stamp_ns: int,
    frame_id: str,
    compression: str = 'jpeg',
    jpeg_quality: int = 95,
) -> Any:
    """
    Make a sensor_msgs/CompressedImage as compressed_image_transport does.

    :param rgb: shape (H, W, 3)
    :param compression: ``jpeg`` or ``png``
    :raises MessageError: the compression is another one
    """
    if compression not in ('jpeg', 'png'):
        raise MessageError(f'cannot write compression {compression!r}: choose jpeg or png')
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if compression == 'jpeg' else []
    _, data = cv2.imencode(f'.{compression}', cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    return types.make(
        'sensor_msgs/msg/CompressedImage',
        header=header(types, stamp_ns, frame_id),
        format=f'rgb8; {compression} compressed bgr8',
        data=as_bytes(data),
    )


def camera_info(types: MessageTypes, camera: Camera, stamp_ns: int, frame_id: str) -> Any:
    """
    Make a sensor_msgs/CameraInfo of exactly this camera's image.

    A camera without distortion is its own rectified twin: five zeros, R = I, P = K.
    """
    lens = camera.distortion
    rectified = (camera.fx, camera.fy, camera.cx, camera.cy) if lens is None else lens.rectified
    fx, fy, cx, cy = rectified
    window = types.make(
        'sensor_msgs/msg/RegionOfInterest',
        x_offset=0,
        y_offset=0,
        height=0,
        width=0,
        do_rectify=False,
    )
    return types.make(
        'sensor_msgs/msg/CameraInfo',
        header=header(types, stamp_ns, frame_id),
        height=int(camera.height),
        width=int(camera.width),
        distortion_model='plumb_bob' if lens is None else lens.model,
        d=np.array((0.0,) * 5 if lens is None else lens.coefficients, np.float64),
        k=camera.matrix.reshape(-1),
        r=np.array(IDENTITY_ROTATION if lens is None else lens.rectification, np.float64),
        p=np.array([fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]),
        binning_x=0,
        binning_y=0,
        roi=window,
    )


def point_cloud(types: MessageTypes, cloud: Cloud) -> Any:
    """Make a sensor_msgs/PointCloud2: x, y, z and, where there is colour, rgb as PCL packs it."""
    rows, columns, channels = cloud.points.shape
    fields = [
        types.make(
            'sensor_msgs/msg/PointField',
            name=name,
            offset=4 * index,
            datatype=_FLOAT32,
            count=1,
        )
        for index, name in enumerate(_POINT_FIELDS[:channels])
    ]
    return types.make(
        'sensor_msgs/msg/PointCloud2',
        header=header(types, cloud.stamp_ns, cloud.frame_id),
        height=rows,
        width=columns,
        fields=fields,
        is_bigendian=_BIG_ENDIAN,
        point_step=4 * channels,
        row_step=4 * channels * columns,
        data=as_bytes(cloud.points),
        is_dense=bool(cloud.dense),
    )


def laser_scan(types: MessageTypes, scan: Scan) -> Any:
    """Make a sensor_msgs/LaserScan; all its bearings are of the same moment."""
    return types.make(
        'sensor_msgs/msg/LaserScan',
        header=header(types, scan.stamp_ns, scan.frame_id),
        angle_min=float(scan.angle_min),
        angle_max=float(scan.angle_max),
        angle_increment=float(scan.angle_increment),
        time_increment=0.0,
        scan_time=0.0,
        range_min=float(scan.range_min),
        range_max=float(scan.range_max),
        ranges=np.ascontiguousarray(scan.ranges),
        intensities=np.zeros(0, np.float32),
    )


def odometry(
    types: MessageTypes,
    stamp_ns: int,
    odom_frame: str,
    child_frame: str,
    odom_from_base: NDArray[np.float64],
    pose_covariance: NDArray[np.float64],
    twist: NDArray[np.float64],
    twist_covariance: NDArray[np.float64],
) -> Any:
    """
    Make a nav_msgs/Odometry.

    :param odom_from_base: pose of the child frame in the odometry frame, shape (4, 4)
    :param pose_covariance: in the odometry frame, shape (6, 6)
    :param twist: vx, vy, vz [m/s], wx, wy, wz [rad/s] in the child frame (REP-105), shape (6,)
    :param twist_covariance: in the child frame, shape (6, 6)
    """
    pose = types.make(
        'geometry_msgs/msg/PoseWithCovariance',
        pose=_pose(types, odom_from_base),
        covariance=_flat(pose_covariance),
    )
    velocity = types.make(
        'geometry_msgs/msg/TwistWithCovariance',
        twist=types.make(
            'geometry_msgs/msg/Twist',
            linear=_triple(types, 'Vector3', twist[:3]),
            angular=_triple(types, 'Vector3', twist[3:]),
        ),
        covariance=_flat(twist_covariance),
    )
    return types.make(
        'nav_msgs/msg/Odometry',
        header=header(types, stamp_ns, odom_frame),
        child_frame_id=child_frame,
        pose=pose,
        twist=velocity,
    )


def transform(
    types: MessageTypes,
    stamp_ns: int,
    parent: str,
    child: str,
    parent_from_child: NDArray[np.float64],
) -> Any:
    """Make a geometry_msgs/TransformStamped of a 4 x 4 matrix."""
    return types.make(
        'geometry_msgs/msg/TransformStamped',
        header=header(types, stamp_ns, parent),
        child_frame_id=child,
        transform=types.make(
            'geometry_msgs/msg/Transform',
            translation=_triple(types, 'Vector3', parent_from_child[:3, 3]),
            rotation=_quaternion(types, parent_from_child),
        ),
    )


def transforms(types: MessageTypes, stamped: Sequence[Any]) -> Any:
    """Make a tf2_msgs/TFMessage of TransformStamped messages."""
    return types.make('tf2_msgs/msg/TFMessage', transforms=list(stamped))


def pose_stamped(
    types: MessageTypes, stamp_ns: int, frame_id: str, matrix: NDArray[np.float64]
) -> Any:
    """Make a geometry_msgs/PoseStamped of a 4 x 4 matrix."""
    return types.make(
        'geometry_msgs/msg/PoseStamped',
        header=header(types, stamp_ns, frame_id),
        pose=_pose(types, matrix),
    )


def _image(
    types: MessageTypes, pixels: NDArray[Any], encoding: str, stamp_ns: int, frame_id: str
) -> Any:
    height, width = pixels.shape[:2]
    data = as_bytes(pixels)
    return types.make(
        'sensor_msgs/msg/Image',
        header=header(types, stamp_ns, frame_id),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(_BIG_ENDIAN),
        step=data.size // height,
        data=data,
    )


def _millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    scaled = np.rint(depth * np.float32(1000))
    with np.errstate(invalid='ignore'):
        known = (scaled > 0) & (scaled <= FARTHEST_MM)  # false for NaN
    return np.where(known, scaled, 0).astype(np.uint16)


def _pose(types: MessageTypes, matrix: NDArray[np.float64]) -> Any:
    return types.make(
        'geometry_msgs/msg/Pose',
        position=_triple(types, 'Point', matrix[:3, 3]),
        orientation=_quaternion(types, matrix),
    )


def _triple(types: MessageTypes, kind: str, values: NDArray[np.float64]) -> Any:
    x, y, z = (float(value) for value in values)
    return types.make(f'geometry_msgs/msg/{kind}', x=x, y=y, z=z)


def _quaternion(types: MessageTypes, matrix: NDArray[np.float64]) -> Any:
    x, y, z, w = quaternion.from_rotation(matrix[:3, :3])
    return types.make('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w)


def _flat(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(matrix, np.float64).reshape(-1)
