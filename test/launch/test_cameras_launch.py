"""The launch file of several cameras, for real: in a process each, and in one."""

from __future__ import annotations

import signal

import pytest

pytest.importorskip('launch_ros', reason='needs launch_ros: source a ROS distribution')
pytest.importorskip('rosbags', reason='needs rosbags')

from lsd_ros.bags.reader import BagReader

TIMEOUT_S = 120
FRONT = ('/robot/front/camera_info', '/robot/front/image_raw')  # as the convention says
REAR = ('/robot/rear/camera_info', '/usb/image')
OUTPUTS = [
    f'/robot/{camera}/{topic}'
    for camera in ('front', 'rear')
    for topic in ('depth/preview', 'odom')
]


@pytest.mark.parametrize('shared', ['false', 'true'])
def test_every_camera_has_its_topics_and_its_own_parameters(
    shared, installed, running, started, drive, tmp_path
):
    bag = drive(FRONT, REAR)
    own = tmp_path / 'rear.yaml'
    own.write_text('/**:\n  ros__parameters:\n    odom_frame: rear_odom\n')
    recorder = running(installed / 'bag_recorder', tmp_path / 'recorded', *OUTPUTS)
    launched = started(
        'cameras.launch.py',
        'cameras:=front rear',
        f'shared:={shared}',
        'namespace:=robot',
        'device:=cpu',
        'rear.image:=/usb/image',
        f'rear.params_file:={own}',
    )
    player = running(installed / 'bag_player', bag, '--wait-for-subscribers', *FRONT, *REAR)
    player.communicate(timeout=TIMEOUT_S)
    launched.send_signal(signal.SIGINT)
    said, _ = launched.communicate(timeout=TIMEOUT_S)
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=TIMEOUT_S)
    assert launched.returncode == 0, said
    assert 'Traceback' not in said
    assert said.count('process started with pid') == (1 if shared == 'true' else 2)
    with BagReader(tmp_path / 'recorded') as reader:
        counts = {topic.name: topic.count for topic in reader.topics()}
        frames = {
            topic: {message.message.header.frame_id for message in reader.messages([topic])}
            for topic in OUTPUTS
        }
    assert min(counts.get(topic, 0) for topic in OUTPUTS) > 3, said
    assert frames['/robot/front/odom'] == {'odom'}
    assert frames['/robot/rear/odom'] == {'rear_odom'}


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['cameras:=front rear', 'raer.image:=/usb/image'], 'the cameras are front rear'),
        (['cameras:=front front'], 'name each camera once'),
    ],
)
def test_a_camera_that_is_not_there_is_a_sentence(arguments, sentence, installed, started):
    launched = started('cameras.launch.py', *arguments)
    said, _ = launched.communicate(timeout=TIMEOUT_S)
    assert launched.returncode == 1
    assert sentence in said
