"""The launch file, for real: its node, a bag played to it, and what it says where it fails."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest

pytest.importorskip('launch_ros', reason='needs launch_ros: source a ROS distribution')
pytest.importorskip('rosbags', reason='needs rosbags')

from lsd_ros.bags.reader import BagReader

TIMEOUT_S = 120
TOPICS = ('/cam/info', '/cam/image')


@pytest.fixture
def launch(installed, started):
    """Return what launches the node and waits for its end."""

    def run(*arguments: str) -> SimpleNamespace:
        process = started('depth.launch.py', *arguments)
        said, _ = process.communicate(timeout=TIMEOUT_S)
        return SimpleNamespace(returncode=process.returncode, said=said)

    return run


def test_a_bag_is_played_to_the_active_node(installed, launch, running, drive, tmp_path) -> None:
    bag = drive(TOPICS)
    recorded = tmp_path / 'recorded'
    outputs = ('/front/depth/preview', '/front/odom')
    recorder = running(installed / 'bag_recorder', recorded, *outputs)
    result = launch(
        f'bag:={bag}',
        'image:=/cam/image',
        'camera_info:=/cam/info',
        'namespace:=front',
        'device:=cpu',
    )
    recorder.send_signal(signal.SIGINT)
    said, _ = recorder.communicate(timeout=TIMEOUT_S)
    assert result.returncode == 0, result.said
    assert 'the bag is over' in result.said
    assert recorder.returncode == 0, said
    with BagReader(recorded) as reader:
        counts = {topic.name: topic.count for topic in reader.topics()}
    assert min(counts[topic] for topic in outputs) > 5


def test_where_the_node_fails_the_launch_says_so_and_ends(launch) -> None:
    result = launch('weights:=/there/is/none.safetensors')
    assert result.returncode == 1
    assert 'weights /there/is/none.safetensors' in result.said
    assert 'depth_node could not be configured' in result.said


def test_a_wrong_topic_of_the_bag_is_a_sentence(launch, drive) -> None:
    bag = drive(TOPICS)
    result = launch(f'bag:={bag}', 'image:=/cam/image', 'camera_info:=/cam/infos')
    assert result.returncode == 1
    assert 'has no topic /cam/infos' in result.said
