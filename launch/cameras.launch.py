"""
Start a depth_node for each of several cameras, in a process each or in one that they share.

ros2 launch lsd_ros cameras.launch.py cameras:='front rear' shared:=true
ros2 launch lsd_ros cameras.launch.py cameras:='front rear' image:='/{camera}_cam/image_raw'
ros2 launch lsd_ros cameras.launch.py cameras:='front rear' rear.params_file:=rear.yaml
"""

from __future__ import annotations

from typing import NamedTuple

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from lsd_ros.ros import environment

PACKAGE = 'lsd_ros'
BOOLEAN = ['true', 'false']
TOPICS = ('image', 'camera_info', 'odometry_in')
OWN = (*TOPICS, 'params_file')  # what a camera may have for itself


class Camera(NamedTuple):
    """
    One camera.

    :param namespace: full name of its namespace, without the first slash
    :param topics: ``{topic of the node: topic of the driver}``
    :param params_file: its own parameters, on top of those of all; empty: none
    """

    namespace: str
    topics: dict[str, str]
    params_file: str

    @property
    def log_level(self) -> str:
        """Return the name of the node's logger."""
        return '.'.join([*self.namespace.split('/'), 'depth_node'])


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, and the actions that depend on them."""
    config = PathJoinSubstitution([FindPackageShare(PACKAGE), 'config'])
    own = 'for one camera: <camera>.{}:=...'
    arguments = [
        _argument(
            'cameras', None, 'Names of the cameras, which are their namespaces, in one word'
        ),
        _argument(
            'shared',
            'false',
            'One process that batches all cameras through one network; false: a process each',
            choices=BOOLEAN,
        ),
        _argument('namespace', '', 'Namespace around those of the cameras'),
        _argument(
            'image',
            'image_raw',
            'Image topic, relative to the camera; {camera} is its name; ' + own.format('image'),
        ),
        _argument('camera_info', 'camera_info', 'Calibration topic; ' + own.format('camera_info')),
        _argument(
            'odometry_in',
            'odometry_in',
            'Odometry of the wheels or of another source, where a parameter asks for it; '
            + own.format('odometry_in'),
        ),
        _argument(
            'params_file',
            PathJoinSubstitution([config, 'depth.param.yaml']),
            'Parameters of all cameras; on top of them, ' + own.format('params_file'),
        ),
        _argument('weights', '', 'Weights file; empty: as the parameters file says'),
        _argument('device', '', 'auto, cpu or cuda; empty: as the parameters file says'),
        _argument('autostart', 'true', 'Configure and activate the nodes', choices=BOOLEAN),
        _argument('respawn', 'false', 'Start a process again that ended', choices=BOOLEAN),
        _argument('use_sim_time', 'false', 'Take the time from /clock', choices=BOOLEAN),
        _argument('log_level', 'info', 'debug, info, warn, error or fatal'),
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_actions)])


def _argument(
    name: str, default: object, description: str, choices: list[str] | None = None
) -> Action:
    return DeclareLaunchArgument(
        name, default_value=default, description=description, choices=choices
    )


def _actions(context: LaunchContext) -> list[Action]:
    environment.prepare()
    given = {name: str(value) for name, value in context.launch_configurations.items()}
    cameras = _cameras(given)
    if given['shared'] == 'true':
        processes = [_shared_process(cameras, given)]
    else:
        processes = [_own_process(camera, given) for camera in cameras]
    if given['respawn'] == 'true':
        return processes
    return [*_watched(processes), *processes]


def _cameras(given: dict[str, str]) -> list[Camera]:
    names = given['cameras'].split()
    if not names or len(set(names)) < len(names):
        raise RuntimeError(f'cameras is {given["cameras"]!r}: name each camera once')
    for argument in given:
        camera, dot, what = argument.rpartition('.')
        if dot and what in OWN and camera not in names:
            raise RuntimeError(f'{argument} is given, but the cameras are {" ".join(names)}')
    return [_camera(name, given) for name in names]


def _camera(name: str, given: dict[str, str]) -> Camera:
    def topic(what: str) -> str:
        return given.get(f'{name}.{what}', given[what]).replace('{camera}', name)

    namespace = '/'.join(filter(None, [*given['namespace'].split('/'), *name.split('/')]))
    topics = {what: topic(what) for what in TOPICS}
    return Camera(namespace, topics, given.get(f'{name}.params_file', ''))


def _own_process(camera: Camera, given: dict[str, str]) -> Node:
    files = [given['params_file'], *filter(None, [camera.params_file])]
    return Node(
        package=PACKAGE,
        executable='depth_node',
        name='depth_node',
        namespace=camera.namespace,
        parameters=[*files, _overrides(given)],
        remappings=list(camera.topics.items()),
        ros_arguments=['--log-level', f'{camera.log_level}:={given["log_level"]}'],
        respawn=given['respawn'] == 'true',
        output='screen',
    )


def _shared_process(cameras: list[Camera], given: dict[str, str]) -> Node:
    files = [
        f'{camera.namespace}={camera.params_file}' for camera in cameras if camera.params_file
    ]
    levels = [f'{camera.log_level}:={given["log_level"]}' for camera in cameras]
    return Node(
        package=PACKAGE,
        executable='depth_nodes',
        arguments=[
            *(camera.namespace for camera in cameras),
            *(word for file in files for word in ('--params', file)),
        ],
        parameters=[given['params_file'], _overrides(given)],
        remappings=[
            (f'/{camera.namespace}/{topic}', target)
            for camera in cameras
            for topic, target in camera.topics.items()
        ],
        ros_arguments=[word for level in levels for word in ('--log-level', level)],
        respawn=given['respawn'] == 'true',
        output='screen',
    )


def _overrides(given: dict[str, str]) -> dict[str, object]:
    named = {
        name: ParameterValue(given[name], value_type=str)
        for name in ('weights', 'device')
        if given[name]
    }
    switches = {name: given[name] == 'true' for name in ('autostart', 'use_sim_time')}
    return {**named, **switches}


def _watched(processes: list[Node]) -> list[Action]:
    """Go on without a camera that is lost, but not without all of them."""
    running = set(processes)

    def ended(event: ProcessExited, context: LaunchContext) -> None:
        running.discard(event.action)
        if not running and not context.is_shutdown:
            raise RuntimeError('no camera is left: the last messages of their nodes say why')

    return [
        RegisterEventHandler(OnProcessExit(target_action=process, on_exit=ended))
        for process in processes
    ]
