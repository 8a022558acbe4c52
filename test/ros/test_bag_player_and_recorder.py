"""The two executables as real processes, over the real middleware."""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

pytest.importorskip('rclpy', reason='needs rclpy')
pytest.importorskip('rosbags', reason='needs rosbags')

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header, String

from lsd_ros.bags.reader import BagReader
from lsd_ros.bags.writer import BagWriter

T = TypeVar('T')

START_NS = 1_700_000_000_000_000_000
STEP_NS = 20_000_000
IMAGE = 'sensor_msgs/msg/Image'
INFO = 'sensor_msgs/msg/CameraInfo'
CLOCK = 'rosgraph_msgs/msg/Clock'
STRING = 'std_msgs/msg/String'
TIMEOUT_S = 60

pytestmark = pytest.mark.usefixtures('ros_domain')


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Make a bag of 20 images and 20 texts in 0.4 seconds."""
    path = tmp_path / 'bag'
    with BagWriter(path) as writer:
        for index in range(20):
            stamp_ns = START_NS + index * STEP_NS
            image = Image(height=4, width=8, step=24, encoding='rgb8', data=bytes([index]) * 96)
            writer.add_raw('/camera/image', IMAGE, serialize_message(image), stamp_ns)
            text = String(data=f'text {index}')
            writer.add_raw('/text', STRING, serialize_message(text), stamp_ns + 1)
    return path


def start(executable: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, '-m', f'lsd_ros.ros.{executable}', *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(executable: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    with start(executable, *arguments) as process:
        out, err = process.communicate(timeout=TIMEOUT_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@contextlib.contextmanager
def recording(path: Path, *topics: str) -> Iterator[subprocess.Popen[str]]:
    """Record while the block runs, then interrupt the recorder."""
    with start('bag_recorder', path, *topics) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0


def messages(path: Path, topic: str, kind: type[T]) -> list[T]:
    with BagReader(path) as reader:
        return [deserialize_message(m.raw, kind) for m in reader.messages((topic,))]


def test_what_is_played_is_recorded(bag: Path, tmp_path: Path) -> None:
    recorded = tmp_path / 'recorded'
    with recording(recorded, '/camera/image', '/text'):
        played = run('bag_player', bag, '--wait-for-subscribers', '/camera/image', '/text')
    assert played.returncode == 0, played.stderr
    for topic, kind in (('/camera/image', Image), ('/text', String)):
        assert messages(recorded, topic, kind) == messages(bag, topic, kind)


def test_topics_are_chosen_and_renamed(bag: Path, tmp_path: Path) -> None:
    recorded = tmp_path / 'recorded'
    with recording(recorded, '/front/image'):
        arguments = ['--topics', '/camera/image', '--remap', '/camera/image:=/front/image']
        wait = ['--wait-for-subscribers', '/camera/image']
        assert run('bag_player', bag, *arguments, *wait).returncode == 0
    with BagReader(recorded) as reader:
        assert [(topic.name, topic.type) for topic in reader.topics()] == [('/front/image', IMAGE)]
    assert messages(recorded, '/front/image', Image) == messages(bag, '/camera/image', Image)


def test_the_clock_leads_through_the_bag(bag: Path, tmp_path: Path) -> None:
    recorded = tmp_path / 'recorded'
    with recording(recorded, '/clock', '/text'):
        wait = ('--wait-for-subscribers', '/text', '/clock')
        played = run('bag_player', bag, '--clock', 500, *wait)
        assert played.returncode == 0, played.stderr
    clocks = [message.clock for message in messages(recorded, '/clock', Clock)]
    times = [clock.sec * 10**9 + clock.nanosec for clock in clocks]
    assert times == sorted(times)
    assert times[0] >= START_NS
    assert times[-1] == START_NS + 19 * STEP_NS + 1


def test_the_start_is_skipped(bag: Path, tmp_path: Path) -> None:
    recorded = tmp_path / 'recorded'
    with recording(recorded, '/text'):
        run('bag_player', bag, '--start', 0.2, '--wait-for-subscribers', '/text')
    texts = [message.data for message in messages(recorded, '/text', String)]
    assert texts == [f'text {index}' for index in range(10, 20)]


def test_a_loop_plays_until_it_is_interrupted(bag: Path, tmp_path: Path) -> None:
    recorded = tmp_path / 'recorded'
    with (
        recording(recorded, '/text'),
        start(
            'bag_player', bag, '--loop', '--rate', 10, '--wait-for-subscribers', '/text'
        ) as loop,
    ):
        with pytest.raises(subprocess.TimeoutExpired):
            loop.communicate(timeout=4)
        loop.send_signal(signal.SIGTERM)
        loop.communicate(timeout=TIMEOUT_S)
    assert loop.returncode == 0
    assert len(messages(recorded, '/text', String)) > 20


def test_restamped_messages_are_new_and_still_belong_together(tmp_path: Path) -> None:
    bag, recorded = tmp_path / 'bag', tmp_path / 'recorded'
    with BagWriter(bag) as writer:
        for index in range(5):
            stamp_ns = START_NS + index * STEP_NS
            header = Header(stamp=Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9))
            for topic, kind, message in (
                ('/info', INFO, CameraInfo(header=header, width=index)),
                ('/image', IMAGE, Image(header=header, width=index, data=[7] * index)),
                ('/time', CLOCK, Clock(clock=header.stamp)),
            ):
                writer.add_raw(topic, kind, serialize_message(message), stamp_ns)
    with recording(recorded, '/info', '/image', '/time'):
        topics = ('/info', '/image', '/time')
        arguments = ('--restamp', '--loop', '--rate', 0.5, '--wait-for-subscribers', *topics)
        with start('bag_player', bag, *arguments) as loop:
            with pytest.raises(subprocess.TimeoutExpired):
                loop.communicate(timeout=4)
            loop.send_signal(signal.SIGINT)
            loop.communicate(timeout=TIMEOUT_S)
    images, infos = messages(recorded, '/image', Image), messages(recorded, '/info', CameraInfo)
    assert len(images) > 5  # more than one pass
    for image, info in zip(images, infos, strict=False):
        assert (image.header, image.width) == (info.header, info.width)
        assert list(image.data) == [7] * image.width
    with BagReader(recorded) as reader:
        records = list(reader.messages(['/image']))
    stamps = [record.header_stamp_ns for record in records]
    assert all(later > sooner for sooner, later in itertools.pairwise(stamps))
    within = [b - a for a, b in itertools.pairwise(stamps[:5])]
    assert within == [2 * STEP_NS] * 4  # at half the rate
    ages = [record.stamp_ns - record.header_stamp_ns for record in records]
    assert 0 <= min(ages) < max(ages) < 10**9
    times = messages(recorded, '/time', Clock)  # has a stamp, but no header
    assert {message.clock.sec for message in times} == {START_NS // 10**9}


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['{folder}/none'], 'none'),
        (['{bag}', '--topics', '/camera/images'], 'has no topic /camera/images: it has /camera/'),
        (['{bag}', '--wait-for-subscribers', '/odom'], 'has no topic /odom'),
        (['{bag}', '--start', '60'], 'holds nothing to play after 60.0 s'),
        (['{bag}', '--remap', 'nonsense'], 'nonsense'),
    ],
)
def test_a_known_error_is_a_sentence_and_exit_code_1(
    arguments: list[str], sentence: str, bag: Path, tmp_path: Path
) -> None:
    played = run('bag_player', *(word.format(bag=bag, folder=tmp_path) for word in arguments))
    assert played.returncode == 1
    assert sentence in played.stderr.splitlines()[-1]
    assert 'Traceback' not in played.stderr


@pytest.mark.parametrize('wrong', [['--rate', '0'], ['--start', '-1'], ['--qos', 'best']])
def test_a_wrong_call_is_exit_code_2(wrong: list[str], bag: Path) -> None:
    assert run('bag_player', bag, *wrong).returncode == 2


def test_a_recording_of_nothing_is_an_error(tmp_path: Path) -> None:
    with start('bag_recorder', tmp_path / 'recorded', '/nobody') as recorder:
        with pytest.raises(subprocess.TimeoutExpired):
            recorder.communicate(timeout=3)
        recorder.send_signal(signal.SIGTERM)
        _, err = recorder.communicate(timeout=TIMEOUT_S)
    assert recorder.returncode == 1
    assert 'nobody published /nobody' in err
    assert 'no message was recorded' in err.splitlines()[-1]
