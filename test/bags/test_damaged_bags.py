"""What is damaged in a bag costs itself alone, is named and is counted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from lsd_ros.bags.frames import BagFrames
from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter
from lsd_ros.errors import DatasetError, MessageError
from lsd_ros.extraction.extraction import extract
from lsd_ros.extraction.extraction_settings import ExtractionSettings
from lsd_ros.types.frame_source import FrameStats

KEPT = ExtractionSettings(min_frames=3, still_by='none', image_format='png')


def read(path: Path) -> tuple[list[int], FrameStats, list[str]]:
    """Return the stamps of the frames that can be read, what became of them, and the damage."""
    with BagReader(path) as bag:
        frames = BagFrames(bag)
        return [frame.stamp_ns for frame in frames], frames.stats, bag.damage


def write_mcap(
    path: Path, items: list[Any], compression: str, chunk_size: int = 20_000, **options: Any
) -> list[tuple[int, int]]:
    """Write an mcap file in small chunks, and return where these are and how long."""
    from mcap.reader import make_reader
    from mcap.writer import CompressionType, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    with path.open('wb') as file:
        kind = CompressionType[compression.upper()]
        writer = Writer(file, chunk_size=chunk_size, compression=kind, **options)
        writer.start('ros2')
        channels: dict[str, int] = {}
        for topic, message, stamp_ns in items:
            name = message.__msgtype__
            if topic not in channels:
                text, _ = store.generate_msgdef(name, ros_version=2)
                schema = writer.register_schema(name, 'ros2msg', text.encode())
                channels[topic] = writer.register_channel(topic, 'cdr', schema)
            raw = bytes(store.serialize_cdr(message, name))
            writer.add_message(channels[topic], stamp_ns, raw, stamp_ns)
        writer.finish()
    with path.open('rb') as file:
        summary = make_reader(file).get_summary()
        assert summary is not None
        return [(index.chunk_start_offset, index.chunk_length) for index in summary.chunk_indexes]


def harm(path: Path, place: int, count: int = 4) -> None:
    with path.open('r+b') as file:
        file.seek(place)
        file.write(bytes(255 - byte for byte in path.read_bytes()[place : place + count]))


@pytest.mark.parametrize('compression', ['none', 'zstd', 'lz4'])
def test_a_damaged_chunk_costs_its_own_images_alone(
    bags: Any, tmp_path: Path, compression: str
) -> None:
    path = tmp_path / 'drive.mcap'
    chunks = write_mcap(path, bags.drive(40), compression)
    assert len(chunks) > 5
    place, length = chunks[2]
    harm(path, place + length // 2)
    stamps, stats, damage = read(path)
    assert stats.frames + stats.unreadable == 40
    assert 0 < stats.unreadable < 10
    assert stamps[-1] == bags.start_ns + 39 * bags.step_ns
    assert len(damage) == 1
    assert f'the chunk of {length} bytes at byte {place} cannot be read' in damage[0]

    (result,) = extract([path], tmp_path / 'out', KEPT)
    record = yaml.safe_load((tmp_path / 'out' / 'drive.extraction.yaml').read_text())
    assert record == result.record
    assert not record['complete']
    assert record['dropped']['unreadable'] == stats.unreadable
    assert (record['images'], record['kept']) == (40, stats.frames)
    assert record['damage'] == damage
    manifest = yaml.safe_load((tmp_path / 'out' / 'drive_000' / 'manifest.yaml').read_text())
    assert manifest['extraction']['damage'] == damage


@pytest.mark.parametrize('lost', [1, 7, 300])
@pytest.mark.parametrize('compression', ['none', 'zstd', 'lz4'])
def test_lost_bytes_cost_the_chunk_around_them_alone(
    bags: Any, tmp_path: Path, compression: str, lost: int
) -> None:
    path = tmp_path / 'drive.mcap'
    chunks = write_mcap(path, bags.drive(40), compression)
    place = chunks[3][0] + chunks[3][1] // 2
    data = path.read_bytes()
    path.write_bytes(data[:place] + data[place + lost :])
    stamps, stats, damage = read(path)
    assert 30 <= stats.frames < 40
    assert stamps[0] == bags.start_ns
    assert stamps[-1] == bags.start_ns + 39 * bags.step_ns
    assert any('messages were salvaged' in sentence for sentence in damage)


def test_a_damaged_summary_is_not_believed(bags: Any, tmp_path: Path) -> None:
    path = tmp_path / 'drive.mcap'
    write_mcap(path, bags.drive(10), 'zstd')
    data = path.read_bytes()
    path.write_bytes(data[: -len(data) // 50] + bytes(len(data) // 50))
    assert read(path)[1].frames == 10


def test_an_mcap_without_message_index_is_read(bags: Any, tmp_path: Path) -> None:
    from mcap.writer import IndexType

    path = tmp_path / 'drive.mcap'
    index = IndexType.CHUNK | IndexType.ATTACHMENT | IndexType.METADATA
    write_mcap(path, bags.drive(10), 'zstd', index_types=index)
    stamps, stats, damage = read(path)
    assert (stats, damage) == (FrameStats(frames=10), [])
    assert stamps == [bags.start_ns + index * bags.step_ns for index in range(10)]


@pytest.mark.parametrize('chunking', [True, False])
def test_an_mcap_without_any_index_is_read(bags: Any, tmp_path: Path, chunking: bool) -> None:
    from mcap.writer import IndexType

    path = tmp_path / 'drive.mcap'
    write_mcap(
        path,
        bags.drive(10),
        'none',
        index_types=IndexType.NONE,
        use_chunking=chunking,
        use_statistics=False,
        use_summary_offsets=False,
    )
    assert read(path)[1:] == (FrameStats(frames=10), [])


def test_messages_of_chunks_that_overlap_come_by_their_stamps(bags: Any, tmp_path: Path) -> None:
    path = tmp_path / 'drive.mcap'
    order = [0, 3, 1, 2, 7, 4, 6, 5, 9, 8]
    write_mcap(path, [bags.image(index) for index in order], 'lz4', chunk_size=9000)
    with BagReader(path) as bag:
        stamps = [message.stamp_ns for message in bag.messages()]
    assert stamps == sorted(stamps)
    assert len(stamps) == 10


@pytest.mark.parametrize('every', ['rosbag1'], indirect=True)
def test_a_damaged_chunk_of_ros1_costs_its_own_images_alone(every: Any, tmp_path: Path) -> None:
    path = every.write(every.drive(900), compression='lz4')
    data = path.read_bytes()
    chunks = [place for place in range(len(data)) if data.startswith(b'compression=lz4', place)]
    assert len(chunks) > 3
    harm(path, chunks[1] + 40)  # the first bytes of the lz4 frame, behind the header
    stamps, stats, damage = read(path)
    assert stats.frames + stats.unreadable == 900
    assert 0 < stats.unreadable < 400
    assert stamps[-1] == every.start_ns + 899 * every.step_ns
    assert len(damage) == 1


@pytest.mark.parametrize('every', ['rosbag1'], indirect=True)
def test_bytes_lost_in_ros1_cost_the_chunk_around_them_alone(every: Any) -> None:
    path = every.write(every.drive(900))
    data = path.read_bytes()
    path.write_bytes(data[:1_500_000] + data[1_500_011:])
    stamps, stats, _ = read(path)
    assert 500 < stats.frames < 900
    assert stamps[-1] == every.start_ns + 899 * every.step_ns


def test_a_file_of_a_bag_that_is_empty_costs_only_itself(bags: Any, tmp_path: Path) -> None:
    folder = tmp_path / 'split'
    folder.mkdir()
    items = bags.drive(6)
    for number, part in enumerate((items[:6], items[6:])):
        write_mcap(folder / f'split_{number}.mcap', part, 'zstd')
    (folder / 'split_2.mcap').touch()
    stamps, stats, damage = read(folder)
    assert stats == FrameStats(frames=6)
    assert stamps[-1] == bags.start_ns + 5 * bags.step_ns
    assert len(damage) == 1
    assert 'split_2.mcap is not a bag: it is empty' in damage[0]
    assert not extract([folder], tmp_path / 'out', KEPT)[0].record['complete']
    for file in folder.iterdir():
        file.write_bytes(b'')
    with pytest.raises(DatasetError, match=r'split_0.mcap is not a bag: .*split_2.mcap is not a'):
        BagReader(folder)


@pytest.fixture
def logged(databases: Any, tmp_path: Path) -> Path:
    """Make a database of 20 messages, and 20 more in its write-ahead log; nobody closed it."""
    folder = databases.write(databases.drive(10), 'drive')
    (file,) = folder.glob('*.db3')
    other = databases.write(databases.drive(20)[20:], 'more')
    (more,) = other.glob('*.db3')
    live = tmp_path / 'live'
    live.mkdir()
    code = (
        'import os, sqlite3, sys\n'
        'one = sqlite3.connect(sys.argv[1])\n'
        'one.execute("PRAGMA journal_mode=WAL")\n'
        'one.execute("PRAGMA wal_autocheckpoint=0")\n'
        'one.execute("ATTACH ? AS more", (sys.argv[2],))\n'
        'one.execute("INSERT INTO messages(topic_id, timestamp, data) '
        'SELECT topic_id, timestamp, data FROM more.messages")\n'
        'one.commit()\n'
        'os._exit(1)\n'
    )
    subprocess.run([sys.executable, '-c', code, file, more], check=False)
    for name in ('drive.db3', 'drive.db3-wal'):
        shutil.copy(folder / name, live / name)
    assert (live / 'drive.db3-wal').stat().st_size > 10 * 4608
    return live


def test_messages_in_a_write_ahead_log_are_read_and_nothing_is_changed(logged: Path) -> None:
    before = {file.name: file.read_bytes() for file in logged.iterdir()}
    stamps, stats, damage = read(logged)
    assert (stats, damage) == (FrameStats(frames=20), [])
    assert np.all(np.diff(stamps) == 100_000_000)
    assert {file.name: file.read_bytes() for file in logged.iterdir()} == before


@pytest.mark.skipif(os.getuid() != 0, reason='needs root, to mount a folder read-only')
def test_a_write_ahead_log_is_read_from_media_that_cannot_be_written(logged: Path) -> None:
    code = (
        'from lsd_ros.bags.frames import BagFrames\n'
        'from lsd_ros.bags.reader import BagReader\n'
        f'with BagReader({str(logged)!r}) as bag: print(len(list(BagFrames(bag))))\n'
    )
    mounted = f'mount --bind -o ro {logged} {logged} && exec {sys.executable} -c "$CODE"'
    command = ['unshare', '-m', 'sh', '-c', mounted]
    run = subprocess.run(
        command, env={**os.environ, 'CODE': code}, capture_output=True, text=True, check=False
    )
    if 'Operation not permitted' in run.stderr or 'permission denied' in run.stderr:
        pytest.skip('mounting is not allowed here')
    assert run.stdout == '20\n', run.stderr


def test_damaged_pages_of_a_database_cost_their_own_rows_alone(databases: Any) -> None:
    folder = databases.write(databases.drive(60))
    (file,) = folder.glob('*.db3')
    with sqlite3.connect(file) as database:
        leaves = database.execute(
            "SELECT pageno FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf'"
        ).fetchall()
    with file.open('r+b') as opened:
        opened.seek((leaves[len(leaves) // 2][0] - 1) * 4096)
        opened.write(b'\xff' * 8)
    stamps, stats, damage = read(folder)
    assert 40 <= stats.frames < 60
    assert stamps[-1] == databases.start_ns + 59 * databases.step_ns
    assert damage


@pytest.mark.parametrize('name', ['run#1', 'what?', 'a%20b', 'mode=ro&x', 'ä ö', "it's"])
@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_bags_may_lie_in_folders_of_any_name(
    bags: Any, tmp_path: Path, name: str, storage: str
) -> None:
    path = tmp_path / name / name
    with BagWriter(path, storage) as writer:
        for topic, message, stamp_ns in bags.drive(3):
            store = writer.types
            writer.add_raw(topic, message.__msgtype__, raw_of(message), stamp_ns)
    assert store is not None
    ending = {'mcap': '.mcap', 'sqlite3': '.db3'}[storage]
    assert sorted(file.name for file in path.iterdir()) == sorted([name + ending, 'metadata.yaml'])
    assert [file.name for file in path.parent.iterdir()] == [name]
    assert read(path)[1:] == (FrameStats(frames=3), [])


def raw_of(message: Any) -> bytes:
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    return bytes(store.serialize_cdr(message, message.__msgtype__))


def test_a_bag_that_cannot_be_read_again_is_not_announced(
    bags: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(self: Any, connection: Any, stamp_ns: int, raw: bytes) -> None:
        self.counts[connection.id] += 1

    monkeypatch.setattr('rosbags.rosbag2.Writer.write', lossy)
    topic, message, stamp_ns = bags.image(0)
    with (
        pytest.raises(DatasetError, match='what was written there cannot be read again'),
        BagWriter(tmp_path / 'out') as writer,
    ):
        writer.add_raw(topic, message.__msgtype__, raw_of(message), stamp_ns)
    assert not list(tmp_path.iterdir())


def test_a_definition_that_nobody_asks_for_may_mean_nothing(bags: Any, tmp_path: Path) -> None:
    from mcap.writer import Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    path = tmp_path / 'odd.mcap'
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start('ros2')
        for topic, kind, text, raw in (
            ('/odd', 'my_msgs/msg/Odd', 'this is ( no [ definition', b'\0\1\0\0'),
            ('/camera/image_raw', 'sensor_msgs/msg/Image', None, raw_of(bags.image(0).message)),
            ('/camera/camera_info', 'sensor_msgs/msg/CameraInfo', None, raw_of(bags.info(0)[1])),
        ):
            text = text or store.generate_msgdef(kind, ros_version=2)[0]
            schema = writer.register_schema(kind, 'ros2msg', text.encode())
            channel = writer.register_channel(topic, 'cdr', schema)
            writer.add_message(channel, bags.start_ns, raw, bags.start_ns)
        writer.finish()
    assert read(path)[1:] == (FrameStats(frames=1), [])
    with BagReader(path) as bag:
        (odd,) = bag.messages(['/odd'])
        with pytest.raises(MessageError, match='a my_msgs/msg/Odd cannot be decoded'):
            _ = odd.message


@pytest.mark.parametrize('where', ['message', 'chunk'])
def test_what_grows_beyond_the_limit_is_not_decompressed(
    bags: Any, tmp_path: Path, where: str
) -> None:
    import resource

    import zstandard
    from mcap.writer import CompressionType, Writer

    bomb = zstandard.compress(bytes(2**27)) if where == 'message' else bytes(2**27)
    path = tmp_path / 'bomb.mcap'
    with path.open('wb') as file:
        compression = CompressionType.NONE if where == 'message' else CompressionType.ZSTD
        writer = Writer(file, compression=compression, chunk_size=2**20)
        writer.start('ros2')
        schema = writer.register_schema('sensor_msgs/msg/Image', 'ros2msg', b'')
        channel = writer.register_channel('/camera/image_raw', 'cdr', schema)
        writer.add_message(channel, 1, bomb, 1)
        writer.finish()
    del bomb
    assert path.stat().st_size < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with BagReader(path) as bag:
        sentences = bag.damage
        for message in bag.messages():
            with pytest.raises(MessageError) as error:
                _ = message.message
            sentences = [*sentences, str(error.value)]
        sentences += bag.damage
    assert any('grow by more than 1000' in sentence for sentence in sentences)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_chunk_that_claims_to_be_huge_takes_no_memory(bags: Any, tmp_path: Path) -> None:
    path = tmp_path / 'drive.mcap'
    chunks = write_mcap(path, bags.drive(20), 'zstd')
    with path.open('r+b') as file:
        file.seek(chunks[1][0] + 9 + 16)  # its uncompressed size
        file.write(struct.pack('<Q', 2**62))
    _, stats, damage = read(path)
    assert stats.frames + stats.unreadable == 20
    assert len(damage) == 1
