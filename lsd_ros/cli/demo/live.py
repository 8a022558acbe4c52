"""The real node on a bag, live: node, player and recorder as processes of a ROS domain."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lsd_ros.cli.node_arguments import node_arguments
from lsd_ros.cli.output_messages import CAMERA_INFO, DEPTH, DIAGNOSTICS, ODOMETRY, POINTS
from lsd_ros.cli.processes import START_S, THIS_MACHINE, Starter, is_ready, until
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.synthetic.synthetic_bag import IMAGE_TOPIC, INFO_TOPIC

RECORDED = (DEPTH, CAMERA_INFO, POINTS, ODOMETRY, DIAGNOSTICS)
# Best effort, the default for cameras, loses every second large image on a busy machine.
RELIABLE = f'qos_overrides.{IMAGE_TOPIC}.subscription.reliability'
LAST_FRAME_S = 1.5  # for what is under way when the bag is over, and the last diagnostics


@dataclass(frozen=True)
class Played:
    """
    What was played to the node.

    :param images: number of images published
    :param delay_ns: time of the system clock at which an image was due, less its stamp
    """

    images: int
    delay_ns: int


def run_node(
    bag: Path,
    out: Path,
    wanted: EngineSettings,
    seconds: float,
    discovery_range: str = THIS_MACHINE,
) -> Played:
    """
    Play a bag to the node in real time, and record what it says.

    :param bag: with the topics of a synthetic bag
    :param out: bag to write
    :param wanted: what the node is told
    :param seconds: how long the bag is
    :param discovery_range: who may see the processes
    :raises RosError: one of the processes failed; its log is on stderr by then
    """
    with tempfile.TemporaryDirectory(prefix='lsd_ros_demo.') as folder:
        report = Path(folder, 'report.json')
        remaps = ['-r', f'image:={IMAGE_TOPIC}', '-r', f'camera_info:={INFO_TOPIC}']
        given = node_arguments(wanted, autostart=True, **{RELIABLE: 'reliable'})
        images = [IMAGE_TOPIC, INFO_TOPIC]
        play = [str(bag), '--topics', *images, '--wait-for-subscribers', *images]
        with contextlib.ExitStack() as stack:
            start = Starter(Path(folder), stack, discovery_range)
            recorder = start('bag_recorder', str(out), *RECORDED)
            node = start('depth_node', '--ros-args', *given, *remaps)
            until(lambda: is_ready(node, recorder, RECORDED), START_S, node, recorder)
            player = start('bag_player', *play, '--report', str(report))
            until(lambda: player.has_ended, START_S + seconds, node, recorder, player)
            time.sleep(LAST_FRAME_S)
            recorder.end()
            node.end()
        played = json.loads(report.read_text())
    return Played(played['messages'][IMAGE_TOPIC], played['delay_ns'])
