from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest

from lsd_ros.errors import FrameError, MessageError
from lsd_ros.messages import encode
from lsd_ros.messages.decode import depth_to_metres, image_to_rgb, pose_to_matrix, stamp_ns
from lsd_ros.messages.types import MessageTypes, RosbagsTypes
from lsd_ros.types import Camera, Cloud, Estimate, Scale, Scan

STAMP = 12_345_678_901
CAMERA = Camera(3, 2, 5.0, 6.0, 1.0, 0.5)
POSE = np.array([[0, -1, 0, 1.5], [1, 0, 0, -2], [0, 0, 1, 3], [0, 0, 0, 1]], np.float64)
RGB = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


def estimate(depth: Any = ((1.5, np.nan, np.inf), (-np.inf, 2.0, 80.0))) -> Estimate:
    array = None if depth is None else np.array(depth, np.float32)
    return Estimate(STAMP, 'eye', Scale(1.0, True, 'fixed'), CAMERA, array, image=RGB)


def cloud() -> Cloud:
    points = np.array([[[1, 2, 3, 0], [np.nan] * 3 + [0]]], np.float32)
    points.view(np.uint32)[..., 3] = 0x00FF8001
    return Cloud(STAMP, 'eye', points, dense=False)


def scan() -> Scan:
    ranges = np.array([1.5, np.nan, np.inf, -np.inf], np.float32)
    return Scan(STAMP, 'base_link', ranges, -0.5, 0.25, 0.1, 20.0)


def odometry(types: MessageTypes) -> Any:
    return encode.odometry(
        types,
        STAMP,
        'odom',
        'base_link',
        POSE,
        np.diag(np.arange(1.0, 7.0)),
        np.array([1.0, 2.0, 3.0, 0.1, 0.2, 0.3]),
        np.eye(6),
    )


def test_depth_keeps_every_value_and_its_size(types: MessageTypes) -> None:
    msg = encode.depth_image(types, estimate())
    assert (msg.encoding, msg.width, msg.height, msg.step) == ('32FC1', 3, 2, 12)
    assert msg.is_bigendian == (sys.byteorder == 'big')
    assert (stamp_ns(msg.header), msg.header.frame_id) == (STAMP, 'eye')
    np.testing.assert_array_equal(depth_to_metres(msg), estimate().depth)


def test_an_estimate_without_depth_gives_no_depth_image(types: MessageTypes) -> None:
    with pytest.raises(FrameError, match='has no depth to publish'):
        encode.depth_image(types, estimate(None))


def test_the_info_of_a_rectified_camera_says_so_in_every_field(types: MessageTypes) -> None:
    msg = encode.camera_info(types, CAMERA, STAMP, 'eye')
    d, k, r, p = (getattr(msg, n, getattr(msg, n.upper(), None)) for n in ('d', 'k', 'r', 'p'))
    assert (msg.width, msg.height, msg.distortion_model) == (3, 2, 'plumb_bob')
    assert list(d) == [0.0] * 5
    assert list(k) == [5.0, 0, 1.0, 0, 6.0, 0.5, 0, 0, 1]
    assert list(r) == [1.0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert list(p) == [5.0, 0, 1.0, 0, 0, 6.0, 0.5, 0, 0, 0, 1, 0]


@pytest.mark.parametrize('encoding', ['rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8'])
def test_a_raw_image_is_read_back(types: MessageTypes, encoding: str) -> None:
    grey = RGB[..., :1].repeat(3, axis=2)
    picture = grey if encoding == 'mono8' else RGB
    msg = encode.raw_image(types, picture, STAMP, 'eye', encoding)
    assert msg.encoding == encoding
    np.testing.assert_array_equal(image_to_rgb(msg), picture)


def test_an_image_that_is_not_contiguous_is_written_right(types: MessageTypes) -> None:
    msg = encode.rgb_image(types, RGB[:, ::-1], STAMP, 'eye')
    np.testing.assert_array_equal(image_to_rgb(msg), RGB[:, ::-1])


def test_points_lie_where_the_fields_say(types: MessageTypes) -> None:
    msg = encode.point_cloud(types, cloud())
    assert [(field.name, field.offset) for field in msg.fields] == [
        ('x', 0),
        ('y', 4),
        ('z', 8),
        ('rgb', 12),
    ]
    assert all((field.datatype, field.count) == (7, 1) for field in msg.fields)
    assert (msg.width, msg.height, msg.point_step, msg.row_step) == (2, 1, 16, 32)
    assert msg.is_dense is False
    layout = [('x', '=f4'), ('y', '=f4'), ('z', '=f4'), ('rgb', '=u4')]
    points = np.frombuffer(msg.data, np.dtype(layout))
    assert points[0].tolist() == (1.0, 2.0, 3.0, 0x00FF8001)
    assert np.isnan(points[1]['x'])


def test_points_without_colour_have_no_rgb_field(types: MessageTypes) -> None:
    bare = Cloud(STAMP, 'eye', np.zeros((1, 0, 3), np.float32), dense=True)
    msg = encode.point_cloud(types, bare)
    assert [field.name for field in msg.fields] == ['x', 'y', 'z']
    assert (msg.width, msg.point_step, len(msg.data), msg.is_dense) == (0, 12, 0, True)


def test_a_scan_keeps_every_range_and_its_geometry(types: MessageTypes) -> None:
    msg = encode.laser_scan(types, scan())
    assert (stamp_ns(msg.header), msg.header.frame_id) == (STAMP, 'base_link')
    np.testing.assert_array_equal(np.array(msg.ranges, np.float32), scan().ranges)
    assert (msg.angle_min, msg.angle_max, msg.angle_increment) == (-0.5, 0.25, 0.25)
    assert (msg.range_min, msg.range_max) == pytest.approx((0.1, 20.0))
    assert (msg.time_increment, msg.scan_time, len(msg.intensities)) == (0.0, 0.0, 0)


def test_odometry_is_in_the_frames_that_it_names(types: MessageTypes) -> None:
    msg = odometry(types)
    assert (msg.header.frame_id, msg.child_frame_id) == ('odom', 'base_link')
    np.testing.assert_allclose(pose_to_matrix(msg), POSE, atol=1e-12)
    assert msg.twist.twist.linear.z == 3.0
    assert msg.twist.twist.angular.x == 0.1
    assert np.array(msg.pose.covariance).reshape(6, 6)[5, 5] == 6.0
    assert list(msg.twist.covariance) == list(np.eye(6).reshape(-1))


def test_poses_and_transforms_are_read_back(types: MessageTypes) -> None:
    moved = encode.transform(types, STAMP, 'odom', 'base_link', POSE)
    assert (moved.header.frame_id, moved.child_frame_id) == ('odom', 'base_link')
    np.testing.assert_allclose(pose_to_matrix(moved), POSE, atol=1e-12)
    posed = encode.pose_stamped(types, STAMP, 'world', POSE)
    np.testing.assert_allclose(pose_to_matrix(posed), POSE, atol=1e-12)


@pytest.mark.parametrize('stamp', [-1, 2**31 * 10**9])
def test_a_stamp_that_no_message_holds_is_refused(types: MessageTypes, stamp: int) -> None:
    with pytest.raises(MessageError, match=f'stamp of {stamp} ns does not fit'):
        encode.header(types, stamp, 'eye')


def test_unknown_encodings_and_types_are_refused(types: MessageTypes) -> None:
    with pytest.raises(MessageError, match="cannot write encoding 'nv12': choose one of rgb8"):
        encode.raw_image(types, RGB, STAMP, 'eye', 'nv12')
    with pytest.raises(MessageError, match="cannot write compression 'gif': choose jpeg or png"):
        encode.compressed_image(types, RGB, STAMP, 'eye', 'gif')
    with pytest.raises(MessageError, match='message type .*sensor_msgs/msg/Smell.* is not in'):
        types.make('sensor_msgs/msg/Smell')


def everything(types: MessageTypes) -> list[Any]:
    return [
        encode.depth_image(types, estimate()),
        encode.camera_info(types, CAMERA, STAMP, 'eye'),
        encode.point_cloud(types, cloud()),
        encode.laser_scan(types, scan()),
        encode.compressed_image(types, RGB, STAMP, 'eye', 'png'),
        odometry(types),
        encode.transform(types, STAMP, 'odom', 'base_link', POSE),
    ]


def test_rosbags_reads_the_bytes_of_rclpy_as_what_it_would_have_written(
    rclpy_types: MessageTypes,
) -> None:
    serialization = pytest.importorskip('rclpy.serialization', reason='needs rclpy')
    typesys = pytest.importorskip('rosbags.typesys', reason='needs rosbags')
    store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    pairs = zip(everything(rclpy_types), everything(RosbagsTypes(store)), strict=True)
    for ours, theirs in pairs:
        kind = theirs.__msgtype__
        received = store.deserialize_cdr(serialization.serialize_message(ours), kind)
        assert store.serialize_cdr(received, kind) == store.serialize_cdr(theirs, kind), kind


def test_a_bag_can_hold_the_transforms() -> None:
    typesys = pytest.importorskip('rosbags.typesys', reason='needs rosbags')
    store = typesys.get_typestore(typesys.Stores.ROS2_HUMBLE)
    types = RosbagsTypes(store)
    msg = encode.transforms(types, [encode.transform(types, STAMP, 'odom', 'base_link', POSE)])
    back = store.deserialize_cdr(store.serialize_cdr(msg, msg.__msgtype__), msg.__msgtype__)
    assert dataclasses.asdict(back) == dataclasses.asdict(msg)
