"""Bags are written whole or not at all, for ROS 2 and others, the same bytes each time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.errors import DatasetError
from lsd_ros.messages import encode

STAMP_NS = 1_700_000_000_000_000_000
PICTURE = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
STORAGES = pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])


def write(path: Path, storage: str = 'mcap', **options: Any) -> Path:
    with BagWriter(path, storage, **options) as writer:
        for index in range(3):
            stamp_ns = STAMP_NS + index
            image = encode.rgb_image(writer.types, PICTURE + index, stamp_ns, 'optical')
            writer.add('/image', image, stamp_ns)
        static = encode.transforms(writer.types, [])
        writer.add('/tf_static', static, STAMP_NS)
    return path


@STORAGES
def test_rosbags_reads_back_what_was_written(tmp_path: Path, storage: str) -> None:
    from rosbags.highlevel import AnyReader

    # without a typestore of its own, AnyReader needs definitions in the bag, and checks their hash
    with AnyReader([write(tmp_path / 'bag', storage)]) as reader:
        wanted = [c for c in reader.connections if c.topic == '/image']
        messages = [
            (stamp_ns, reader.deserialize(raw, connection.msgtype))
            for connection, stamp_ns, raw in reader.messages(wanted)
        ]
    assert [stamp_ns for stamp_ns, _ in messages] == [STAMP_NS, STAMP_NS + 1, STAMP_NS + 2]
    image: Any = messages[2][1]
    assert image.header.frame_id == 'optical'
    np.testing.assert_array_equal(image.data, (PICTURE + 2).ravel())


def test_foxglove_finds_schema_and_encoding(tmp_path: Path) -> None:
    from mcap.reader import make_reader

    with next(write(tmp_path / 'bag').glob('*.mcap')).open('rb') as file:
        messages = list(make_reader(file).iter_messages(topics=['/image']))
    schema, channel, message = messages[0]
    assert schema is not None
    assert (schema.name, schema.encoding) == ('sensor_msgs/msg/Image', 'ros2msg')
    assert b'MSG: std_msgs/Header' in schema.data
    assert (channel.message_encoding, message.log_time) == ('cdr', STAMP_NS)


@STORAGES
def test_metadata_is_what_every_ros2_since_humble_reads(tmp_path: Path, storage: str) -> None:
    bag = write(tmp_path / 'bag', storage)
    metadata = yaml.safe_load((bag / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    assert metadata['version'] < 9  # Humble wants profiles of quality of service as text
    assert metadata['storage_identifier'] == storage
    assert (bag / metadata['relative_file_paths'][0]).is_file()
    profiles = {}
    for topic in metadata['topics_with_message_count']:
        told = topic['topic_metadata']
        (profiles[told['name']],) = yaml.safe_load(told['offered_qos_profiles'])
    reliable, volatile, transient_local, keep_last = 1, 2, 1, 1
    assert profiles['/image']['reliability'] == reliable
    assert profiles['/image']['history'] == keep_last
    assert profiles['/image']['durability'] == volatile
    assert profiles['/tf_static']['durability'] == transient_local


@STORAGES
def test_the_same_messages_give_the_same_bytes(tmp_path: Path, storage: str) -> None:
    first, second = (write(tmp_path / folder / 'bag', storage) for folder in 'ab')
    names = sorted(file.name for file in first.iterdir())
    assert names == sorted(file.name for file in second.iterdir())
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


@STORAGES
def test_messages_go_through_untouched(tmp_path: Path, storage: str) -> None:
    source = write(tmp_path / 'source', storage)
    with BagReader(source) as reader, BagWriter(tmp_path / 'copy', storage) as writer:
        for message in reader.messages():
            writer.add_raw(message.topic, message.type, message.raw, message.stamp_ns)
    with BagReader(source) as reader, BagReader(tmp_path / 'copy') as copy:
        assert [m.raw for m in copy.messages()] == [m.raw for m in reader.messages()]


@STORAGES
def test_a_failure_leaves_nothing_behind(tmp_path: Path, storage: str) -> None:
    def interrupted() -> None:
        with BagWriter(tmp_path / 'bag', storage) as writer:
            writer.add('/tf_static', encode.transforms(writer.types, []), STAMP_NS)
            assert not (tmp_path / 'bag').exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_replaced_only_on_demand_and_by_a_whole_bag(tmp_path: Path) -> None:
    bag = write(tmp_path / 'bag')
    with pytest.raises(DatasetError, match=r'bag exists already: remove it, or choose another'):
        BagWriter(bag)
    before = (bag / 'bag.mcap').read_bytes()
    with pytest.raises(ZeroDivisionError), BagWriter(bag, overwrite=True):
        raise ZeroDivisionError
    assert (bag / 'bag.mcap').read_bytes() == before
    write(bag, 'sqlite3', overwrite=True)
    assert sorted(file.name for file in bag.iterdir()) == ['bag.db3', 'metadata.yaml']
    assert list(tmp_path.iterdir()) == [bag]


def test_wrong_use_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="storage 'zip' is unknown: choose mcap or sqlite3"):
        BagWriter(tmp_path / 'bag', 'zip')
    (tmp_path / 'file').touch()
    with pytest.raises(DatasetError, match='cannot write .*file/bag'):
        write(tmp_path / 'file' / 'bag')
    with BagWriter(tmp_path / 'bag') as writer:
        transforms = encode.transforms(writer.types, [])
        writer.add('/tf', transforms, 0)
        with pytest.raises(DatasetError, match='/tf holds tf2_msgs/msg/TFMessage'):
            writer.add_raw('/tf', 'std_msgs/msg/String', b'', 0)
        with pytest.raises(DatasetError, match="type 'my/msg/Own' is unknown: register"):
            writer.add_raw('/own', 'my/msg/Own', b'', 0)
        with pytest.raises(DatasetError, match='stamp -1 ns on /tf is negative'):
            writer.add('/tf', transforms, -1)
        image = encode.rgb_image(writer.types, PICTURE, 0, 'optical')
        image.height = 'two'
        with pytest.raises(DatasetError, match=r'cannot serialise a sensor_msgs/msg/Image'):
            writer.add('/image', image, 0)
    with pytest.raises(DatasetError, match='is not open: write inside a with block'):
        writer.add('/tf', transforms, 0)


def test_a_missing_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'rosbags', None)
    with pytest.raises(DatasetError, match=r'bags need .* rosbags: install lsd_ros\[bags\]'):
        BagWriter(tmp_path / 'bag')


def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        writer.add_text('config.yaml', 'a: 1\n')
    with BagWriter(tmp_path / 'bag', overwrite=True):
        pass
    (tmp_path / 'bag' / 'thesis.txt').write_text('precious')
    with pytest.raises(DatasetError, match=r'bag holds thesis.txt, which would be lost: move it'):
        BagWriter(tmp_path / 'bag', overwrite=True)
    (tmp_path / 'bag' / 'thesis.txt').rename(tmp_path / 'bag' / 'other.mcap')
    with pytest.raises(DatasetError, match=r'bag holds other.mcap, which would be lost'):
        BagWriter(tmp_path / 'bag', overwrite=True)
    assert (tmp_path / 'bag' / 'other.mcap').read_text() == 'precious'


def test_a_name_that_metadata_cannot_tell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='tells its name in UTF-8; choose another name'):
        BagWriter(tmp_path / os.fsdecode(b'o\xff'))
