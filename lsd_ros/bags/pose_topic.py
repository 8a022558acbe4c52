"""
Where the camera of a bag was, from odometry, poses or transforms in the same bag.

The poses of a robot become those of its camera through the transforms of the bag. Where none
connects the two, a frame with ``optical`` in its name (for a PoseStamped, which names no frame of
its own, a topic with ``camera`` or ``optical`` in its name) is taken as the camera itself, and
anything else as a base that the camera looks ahead from (REP-103: x forward, z up).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.bags.camera_topics import NONE
from lsd_ros.bags.reader import BagReader, Topic
from lsd_ros.bags.transforms import TF_TYPES, TransformTree
from lsd_ros.errors import DatasetError, MessageError
from lsd_ros.geometry.rigid import poses_at
from lsd_ros.messages.decode import pose_to_matrix
from lsd_ros.types import Trajectory

POSE_TYPES = (
    'nav_msgs/msg/Odometry',
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseWithCovarianceStamped',
    'geometry_msgs/msg/TransformStamped',
)
NOT_WHERE_IT_IS = ('goal', 'target', 'setpoint', 'initialpose', 'command', 'waypoint')
TRUTH = ('ground_truth', 'groundtruth', 'camera', 'optical', 'vicon', 'mocap')
BASE_FROM_OPTICAL = np.array(
    ((0.0, 0.0, 1.0, 0.0), (-1.0, 0.0, 0.0, 0.0), (0.0, -1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PoseChoice:
    """
    Which poses of a bag are wanted.

    :param topic: empty: what the bag has; 'none': no poses
    :param pose_frame: whose poses they are; empty: what the messages say
    :param world_frame: fixed frame of /tf; empty: odom, map or world
    :param max_gap_s: between two measured poses further apart there is none [s]
    """

    topic: str
    pose_frame: str
    world_frame: str
    max_gap_s: float


@dataclass(frozen=True)
class CameraPoses:
    """
    Poses of the camera at the stamps of its images.

    :param world_from_camera: shape (N, 4, 4), NaN where unknown
    :param topic: where they come from
    :param how: by which frames they became those of the camera, in words
    """

    world_from_camera: NDArray[np.float64]
    topic: str
    how: str


def camera_poses(
    bag: BagReader, camera_frame: str, stamps_ns: NDArray[np.int64], given: PoseChoice
) -> CameraPoses | None:
    """
    Find the poses of a camera at the stamps of its images.

    :param camera_frame: optical frame of the images
    :return: None where the bag has no poses, or none are wanted
    :raises DatasetError: a wanted topic or frame is not there, or matches no image
    """
    if given.topic == NONE:
        return None
    topic = _chosen(bag, given.topic)
    gap_ns = round(given.max_gap_s * 1e9)
    tree = TransformTree(bag)
    if topic is None or topic.type in TF_TYPES:
        poses = _from_transforms(tree, camera_frame, stamps_ns, given, wanted=topic is not None)
    else:
        world_from_body, body = _body_trajectory(bag, topic, given.pose_frame)
        measured = poses_at(world_from_body, stamps_ns, gap_ns)
        body_from_camera, how = _mounting(tree, body, camera_frame, topic.name, stamps_ns, given)
        poses = CameraPoses(measured @ body_from_camera, topic.name, how)
    if poses is not None and np.isnan(poses.world_from_camera).any(axis=(1, 2)).all():
        sentence = (
            f'{bag.path}: the poses on {poses.topic} match no image: their stamps differ, or are '
            f'further apart than max_pose_gap_s, which is {given.max_gap_s}'
        )
        if given.topic:
            raise DatasetError(sentence)
        _log.warning('%s', sentence)
        return None
    return poses


def _chosen(bag: BagReader, wanted: str) -> Topic | None:
    topics = [topic for topic in bag.topics() if topic.type in POSE_TYPES + TF_TYPES]
    if wanted:
        found = [topic for topic in topics if topic.name.lstrip('/') == wanted.lstrip('/')]
        if not found:
            raise DatasetError(
                f'{bag.path} has no poses on {wanted}: choose one of '
                f'{", ".join(topic.name for topic in topics) or "none"}'
            )
        return found[0]
    fitting = [
        topic
        for topic in topics
        if topic.type in POSE_TYPES
        and topic.count > 1
        and not any(word in topic.name.lower() for word in NOT_WHERE_IT_IS)
    ]

    def rank(topic: Topic) -> tuple[bool, int, int, str]:
        is_truth = any(word in topic.name.lower() for word in TRUTH)
        return not is_truth, POSE_TYPES.index(topic.type), -topic.count, topic.name

    ranked = sorted(fitting, key=rank)
    if len(ranked) > 1:
        others = ', '.join(topic.name for topic in ranked[1:])
        _log.info('poses are those of %s; others are on %s', ranked[0].name, others)
    return ranked[0] if ranked else None


def _body_trajectory(bag: BagReader, topic: Topic, frame: str) -> tuple[Trajectory, str]:
    """Read a topic; the frame is what moves, empty where the messages do not say it."""
    poses: dict[int, NDArray[np.float64]] = {}
    for message in bag.messages([topic.name]):
        try:
            stamp_ns = message.header_stamp_ns or message.stamp_ns
            poses[stamp_ns] = pose_to_matrix(message.message)
            frame = frame or str(getattr(message.message, 'child_frame_id', '')).lstrip('/')
        except MessageError as error:
            _log.warning('skipped a pose on %s: %s', topic.name, error)
    if not poses:
        raise DatasetError(f'{bag.path} has no readable pose on {topic.name}')
    stamps = sorted(poses)
    matrices = np.stack([poses[stamp] for stamp in stamps])
    return Trajectory(np.array(stamps, np.int64), matrices), frame


def _mounting(
    tree: TransformTree,
    body: str,
    camera_frame: str,
    topic: str,
    stamps_ns: NDArray[np.int64],
    given: PoseChoice,
) -> tuple[NDArray[np.float64], str]:
    """Return ``body_from_camera``, shape (N, 4, 4) or (4, 4), and in words where it is from."""
    camera_frame = camera_frame.lstrip('/')
    if body in ('optical', camera_frame) and body:
        return np.eye(4), 'poses of the camera itself'
    if body and body != 'base':
        found = tree.at(body, camera_frame, stamps_ns, round(given.max_gap_s * 1e9))
        if found is not None:
            return found, f'poses of {body}, moved to {camera_frame} by the transforms of the bag'
    name = body or topic
    if 'optical' in name.lower() or (not body and 'camera' in name.lower()):
        return np.eye(4), f'poses of {name}, taken as those of the camera'
    if body != 'base':
        _log.warning(
            '%s: no transform connects %s and %s: the camera is taken as looking ahead from '
            'there, say pose_frame where that is wrong',
            topic,
            body or 'whose poses they are',
            camera_frame or 'the camera',
        )
    return BASE_FROM_OPTICAL, f'poses of {name}, which the camera looks ahead from (REP-103)'


def _from_transforms(
    tree: TransformTree,
    camera_frame: str,
    stamps_ns: NDArray[np.int64],
    given: PoseChoice,
    *,
    wanted: bool,
) -> CameraPoses | None:
    frame = given.pose_frame or camera_frame
    world = given.world_frame or tree.fixed_frame(frame)
    gap_ns = round(given.max_gap_s * 1e9)
    poses = None if world is None else tree.at(world, frame, stamps_ns, gap_ns)
    if poses is not None:
        return CameraPoses(poses, '/tf', f'transforms from {frame} to {world}')
    if wanted or given.world_frame:
        raise DatasetError(
            f'no transform takes {frame or "the frame of the images, which has no name,"} to '
            f'{world or "a frame in which it moves"}: say world_frame and pose_frame'
        )
    return None
