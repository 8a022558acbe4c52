"""Bags of every format give what was written into them, damaged ones what is left of it."""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lsd_ros.bags import frames as bag_frames
from lsd_ros.bags.frames import BagFrames
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.summary import summary
from lsd_ros.bags.writer import BagWriter
from lsd_ros.errors import DatasetError, MessageError
from lsd_ros.messages import encode
from lsd_ros.types import Camera, Frame
from lsd_ros.types.frame_source import FrameStats


def read(path: Path, **choice: Any) -> tuple[list[Frame], FrameStats]:
    with BagReader(path) as bag:
        frames = BagFrames(bag, **choice)
        return list(frames), frames.stats


def lone_file(bag: Path) -> Path:
    """Take the storage file out of a bag folder, without its metadata."""
    return next(file for file in bag.iterdir() if file.suffix in ('.mcap', '.db3'))


def cut(file: Path, share: float) -> Path:
    data = file.read_bytes()
    target = file.with_name('cut' + file.suffix)
    target.write_bytes(data[: int(len(data) * share)])
    return target


def test_frames_are_the_images_that_were_written(every: Any) -> None:
    frames, stats = read(every.write(every.drive()))
    assert stats == FrameStats(frames=6)
    for index, frame in enumerate(frames):
        assert frame.stamp_ns == every.start_ns + index * every.step_ns
        assert frame.frame_id == 'optical'
        assert frame.camera == every.camera
        np.testing.assert_array_equal(frame.image, every.picture(index))


def test_topics_and_messages_come_as_recorded(every: Any) -> None:
    with BagReader(every.write(every.drive())) as bag:
        topics = [(topic.name, topic.type, topic.count) for topic in bag.topics()]
        images = list(bag.messages(['/camera/image_raw']))
        assert len(list(bag.messages())) == 12
    assert topics == [
        ('/camera/camera_info', 'sensor_msgs/msg/CameraInfo', 6),
        ('/camera/image_raw', 'sensor_msgs/msg/Image', 6),
    ]
    assert [image.stamp_ns for image in images] == [
        every.start_ns + index * every.step_ns for index in range(6)
    ]
    assert images[3].message.encoding == 'rgb8'
    assert images[3].raw[:4] == b'\0\1\0\0'  # CDR, little endian
    assert images[3].header_stamp_ns == images[3].stamp_ns


def test_a_file_without_its_metadata_is_read(bags: Any, databases: Any) -> None:
    for maker, name in ((bags, 'one'), (databases, 'two')):
        bag = maker.write(maker.drive(), name)
        assert read(lone_file(bag))[1].frames == 6
        (bag / 'metadata.yaml').unlink()
        assert read(bag)[1].frames == 6


@pytest.mark.parametrize('compression', ['MESSAGE', 'FILE', 'STORAGE'])
def test_compressed_bags_are_read(bags: Any, compression: str) -> None:
    frames, _ = read(bags.write(bags.drive(), compression=compression))
    np.testing.assert_array_equal(frames[5].image, bags.picture(5))


def test_a_lone_file_with_compressed_messages_is_read(bags: Any) -> None:
    file = lone_file(bags.write(bags.drive(), compression='MESSAGE'))
    assert read(file)[1].frames == 6


def test_types_of_the_earliest_ros2_are_understood(tmp_path: Path, bags: Any) -> None:
    from mcap.writer import Writer

    item = bags.image(0)
    path = tmp_path / 'old.mcap'
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start('ros2')
        store = bags_typestore()
        definition, _ = store.generate_msgdef('sensor_msgs/msg/Image', ros_version=2)
        schema = writer.register_schema('sensor_msgs/Image', 'ros2msg', definition.encode())
        channel = writer.register_channel('/camera/image_raw', 'cdr', schema)
        raw = bytes(store.serialize_cdr(item.message, 'sensor_msgs/msg/Image'))
        writer.add_message(channel, item.stamp_ns, raw, item.stamp_ns)
        writer.finish()
    np.testing.assert_array_equal(read(path)[0][0].image, bags.picture(0))


def bags_typestore() -> Any:
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_HUMBLE)


def test_frames_come_by_header_stamp_and_once(every: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(bag_frames, 'HELD_IN_MEMORY', 5000)  # one image: the rest to the file
    order = [5, 3, 4, 0, 0, 2, 1, 6]
    items = [every.info(0)]
    for place, index in enumerate(order):
        item = every.image(index)
        items.append(item._replace(stamp_ns=every.start_ns + place * every.step_ns))
    frames, stats = read(every.write(items))
    assert stats == FrameStats(frames=7, duplicates=1, out_of_order=5)
    for index, frame in enumerate(frames):
        assert frame.stamp_ns == every.start_ns + index * every.step_ns
        np.testing.assert_array_equal(frame.image, every.picture(index))


def test_an_image_without_a_stamp_has_that_of_its_record(bags: Any) -> None:
    items = [bags.image(index) for index in range(3)]
    for item in items:
        item.message.header.stamp.sec = item.message.header.stamp.nanosec = 0
    frames, stats = read(bags.write(items))
    assert [frame.stamp_ns for frame in frames] == [item.stamp_ns for item in items]
    assert stats.duplicates == 0


def test_jpegs_are_read_as_small_as_is_allowed_with_the_camera_of_the_whole_one(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    camera = Camera(61, 45, 50.0, 50.0, 30.0, 22.0)
    with BagWriter(tmp_path / 'bag') as writer:
        for stamp in (1_000_000_000, 1_100_000_000):
            pixels = np.kron(rng.integers(0, 255, (9, 13, 3)), np.ones((5, 5, 1)))[:45, :61]
            image = encode.compressed_image(writer.types, pixels.astype(np.uint8), stamp, 'eye')
            info = encode.camera_info(writer.types, camera, stamp, 'eye')
            writer.add('/camera/image/compressed', image, stamp)
            writer.add('/camera/camera_info', info, stamp)
    with BagReader(tmp_path / 'bag') as bag:
        frames = BagFrames(bag)
        whole = list(frames)
        frames.factor_of = lambda width, height: 4 if (width, height) == (61, 45) else 1
        smaller = list(frames)
    assert [frame.factor for frame in (*whole, *smaller)] == [1, 1, 4, 4]
    for one, other in zip(whole, smaller, strict=True):
        assert other.image.shape == (12, 16, 3)
        assert one.camera == other.camera == camera
        assert (one.stamp_ns, one.size) == (other.stamp_ns, other.size)
        np.testing.assert_array_equal(other.whole, one.image)


def test_undecodable_images_are_skipped_and_counted(
    bags: Any, caplog: pytest.LogCaptureFixture
) -> None:
    items = bags.drive()
    items[4].message.data = items[4].message.data[:-1]
    items[6].message.encoding = 'cmyk'
    frames, stats = read(bags.write(items))
    assert stats == FrameStats(frames=4, undecodable=2)
    assert len(frames) == 4
    assert 'truncated' in caplog.text
    assert 'cmyk' in caplog.text


def test_where_no_image_can_be_decoded_the_reason_is_told(bags: Any) -> None:
    items = bags.drive(2)
    for item in items[::2]:
        item.message.encoding = 'cmyk'
    with pytest.raises(DatasetError, match='none of the 2 images on /camera/image_raw.*cmyk'):
        read(bags.write(items))


def test_camera_infos_that_change_are_matched_by_stamp(bags: Any) -> None:
    zoomed = dataclasses.replace(bags.camera, fx=80.0)
    items = [bags.image(index) for index in range(4)]
    items += [bags.info(2, camera=zoomed), bags.info(0)]
    frames, _ = read(bags.write(items))
    assert [frame.camera.fx for frame in frames] == [40, 40, 80, 80]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ('image', 'info'),
    [
        ('/camera/image_raw', '/camera/camera_info'),
        ('/device_0/sensor_1/Color_0/image/data', '/device_0/sensor_1/Color_0/info/camera_info'),
        ('/image', '/camera_info'),
        ('/rgb', '/elsewhere/info'),
    ],
)
def test_the_camera_info_is_found(bags: Any, image: str, info: str) -> None:
    other = dataclasses.replace(bags.camera, width=64)
    items = [bags.image(0, image), bags.info(0, info), bags.info(0, '/other/info', other)]
    assert read(bags.write(items))[0][0].camera == bags.camera


def test_a_given_camera_replaces_the_infos(bags: Any) -> None:
    camera = dataclasses.replace(bags.camera, fx=99.0)
    assert read(bags.write(bags.drive(1)), camera=camera)[0][0].camera == camera


def test_without_calibration_frames_have_no_camera(
    bags: Any, caplog: pytest.LogCaptureFixture
) -> None:
    items = bags.drive(1)
    items[1].message.k[0] = 0
    assert read(bags.write(items, 'uncalibrated'))[0][0].camera is None
    assert 'uncalibrated (K[0] is 0)' in caplog.text
    assert read(bags.write(items[:1], 'no_info'))[0][0].camera is None
    assert 'has no camera info for /camera/image_raw' in caplog.text


def test_of_several_image_topics_the_main_camera_is_read(
    bags: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    items = bags.drive(2)
    for index in range(5):
        items += [bags.image(index, '/other/image'), bags.image(index, '/front/depth/image')]
        items += [bags.info(index, '/front/depth/camera_info')]
    path = bags.write(items)
    frames, _ = read(path)
    assert len(frames) == 2  # the one with a camera info that is no depth
    assert 'reading /camera/image_raw' in caplog.text
    assert len(read(path, image_topic='/other/image')[0]) == 5
    assert len(read(path, image_topic='other/image')[0]) == 5


def test_a_wrong_topic_is_told_with_the_right_ones(bags: Any) -> None:
    path = bags.write(bags.drive())
    with pytest.raises(DatasetError, match=r"topic '/nope' is not in .* one of /camera/image_raw"):
        read(path, image_topic='/nope')
    with pytest.raises(DatasetError, match="/camera_info' holds sensor_msgs/msg/CameraInfo"):
        read(path, image_topic='/camera/camera_info')
    with (
        BagReader(path) as bag,
        pytest.raises(DatasetError, match=r"has no topic '/nope': its topics are /camera/camera"),
    ):
        bag.messages(['/nope'])


def test_bags_without_images_or_messages_are_told(every: Any) -> None:
    with pytest.raises(DatasetError, match='holds no images: it needs a topic of sensor_msgs'):
        read(every.write([every.info(0)], 'infos'))
    with pytest.raises(DatasetError, match='is empty: it holds no message'):
        read(every.write([], 'empty'))


def test_paths_that_are_no_bags_are_told(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / 'text.mcap').write_text('hello')
    (tmp_path / 'nothing.db3').touch()
    for name, sentence in {
        'missing': 'does not exist: give a bag folder or a bag file',
        'text.mcap': 'its 5 bytes do not start like one',
        'nothing.db3': 'is not a bag: it is empty',
    }.items():
        with pytest.raises(DatasetError, match=sentence):
            BagReader(tmp_path / name)
    (tmp_path / 'folder').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \.mcap, \.db3 or \.bag file'):
        BagReader(tmp_path / 'folder')

    def denied(*_: object) -> None:
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(os, 'open', denied)
    with pytest.raises(DatasetError, match=r'cannot read .*text\.mcap: Permission denied'):
        BagReader(tmp_path / 'text.mcap')


@pytest.mark.parametrize('compression', ['NONE', 'STORAGE'])
def test_a_truncated_mcap_is_salvaged(
    bags: Any, caplog: pytest.LogCaptureFixture, compression: str
) -> None:
    bag = bags.write(bags.drive(300), compression=compression)
    file = lone_file(bag)
    shutil.copy(cut(file, 0.6), file)
    frames, stats = read(bag)
    assert 150 < stats.frames < 210
    np.testing.assert_array_equal(frames[-1].image, bags.picture(stats.frames - 1))
    assert caplog.text.count('messages were salvaged') == 1


def test_a_truncated_database_is_salvaged(
    databases: Any, caplog: pytest.LogCaptureFixture
) -> None:
    frames, stats = read(cut(lone_file(databases.write(databases.drive(100))), 0.6))
    assert 40 < stats.frames < 70
    assert frames[-1].camera == databases.camera
    assert caplog.text.count('messages were salvaged') == 1


def test_a_file_cut_before_its_first_message_says_so(bags: Any, databases: Any) -> None:
    for maker, name in ((bags, 'one'), (databases, 'two')):
        file = cut(lone_file(maker.write(maker.drive(100), name)), 0.004)
        with pytest.raises(DatasetError, match='nothing can be salvaged|is no rosbag2 database'):
            BagReader(file)


@pytest.mark.parametrize('every', ['rosbag1'], indirect=True)
@pytest.mark.parametrize('compression', ['none', 'bz2', 'lz4'])
def test_a_truncated_rosbag1_is_salvaged(
    every: Any, compression: str, caplog: pytest.LogCaptureFixture
) -> None:
    bag = every.write(every.drive(900), compression=compression)
    frames, stats = read(cut(bag, 0.6))
    assert 300 < stats.frames < 600  # of bz2, blocks of 900 kB
    np.testing.assert_array_equal(frames[-1].image, every.picture(stats.frames - 1))
    assert frames[-1].camera == every.camera
    assert caplog.text.count('messages were salvaged') == 1


def test_a_damaged_message_raises_when_it_is_decoded(bags: Any) -> None:
    with BagReader(bags.write(bags.drive(1))) as bag:
        whole = next(bag.messages(['/camera/image_raw']))
    broken = dataclasses.replace(whole, data=whole.data[:40])
    with pytest.raises(MessageError, match='a sensor_msgs/msg/Image cannot be decoded'):
        _ = broken.message


def test_the_description_tells_what_was_written(every: Any) -> None:
    with BagReader(every.write(every.drive())) as bag:
        told = summary(bag)
    assert (told['kind'], told['messages'], told['formats']) == ('bag', 12, [every.kind])
    assert told['duration_s'] == pytest.approx(0.5)
    assert told['topics'][1]['rate_hz'] == pytest.approx(10)
    (image,) = told['images']
    assert (image['width'], image['height'], image['encoding']) == (48, 32, 'rgb8')
    assert image['camera_info_topic'] == '/camera/camera_info'
    assert image['camera']['fx'] == 40
