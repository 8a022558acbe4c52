"""Start depth_node, configure and activate it; optionally play a bag to it and show it in rviz."""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit, OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessExited
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import Transition

from lsd_ros.ros import environment

PACKAGE = 'lsd_ros'
TOPICS = ('depth/image_rect', 'depth/camera_info', 'depth/preview', 'points', 'scan', 'odom')
BOOLEAN = ['true', 'false']


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, and the actions that depend on them."""
    config = PathJoinSubstitution([FindPackageShare(PACKAGE), 'config'])
    arguments = [
        _argument('image', 'image', 'Image topic; compressed images come on <image>/compressed'),
        _argument('camera_info', 'camera_info', 'Calibration topic of that camera'),
        _argument(
            'odometry_in',
            'odometry_in',
            'Odometry of the wheels or of another source, where a parameter asks for it',
        ),
        _argument('odom', 'odom', 'Topic of the odometry of this node; not that of the wheels'),
        _argument('scan', 'scan', 'Topic of the scan of this node; not that of a lidar'),
        _argument('namespace', '', 'Namespace of the node and of its topics'),
        _argument(
            'params_file',
            PathJoinSubstitution([config, 'depth.param.yaml']),
            'Parameters of the node',
        ),
        _argument('weights', '', 'Weights file; empty: as the parameters file says'),
        _argument('device', '', 'auto, cpu or cuda; empty: as the parameters file says'),
        _argument('use_sim_time', 'false', 'Take the time from /clock', choices=BOOLEAN),
        _argument('log_level', 'info', 'debug, info, warn, error or fatal'),
        _argument('bag', '', 'Bag to play to the node once it is active'),
        _argument('rviz', 'false', 'Show the results in rviz', choices=BOOLEAN),
        _argument('rviz_frame', 'odom', 'Frame that rviz shows everything in'),
        _argument('rviz_config', PathJoinSubstitution([config, 'depth.rviz']), 'What rviz shows'),
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=_actions)])


def _argument(name: str, default: object, description: str, **kwargs: object) -> Action:
    return DeclareLaunchArgument(name, default_value=default, description=description, **kwargs)


def _actions(context: LaunchContext) -> list[Action]:
    environment.prepare()
    given = {name: str(value) for name, value in context.launch_configurations.items()}
    node = _depth_node(given)
    actions = [*_lifecycle(node), node]
    if given['bag']:
        actions = [*_player(given, node), *actions]
    if given['rviz'] == 'true':
        actions.append(_rviz(given))
    return actions


def _depth_node(given: dict[str, str]) -> LifecycleNode:
    overrides = {
        name: ParameterValue(given[name], value_type=str)
        for name in ('weights', 'device')
        if given[name]
    }
    logger = '.'.join([*filter(None, given['namespace'].split('/')), 'depth_node'])
    return LifecycleNode(
        package=PACKAGE,
        executable='depth_node',
        name='depth_node',
        namespace=given['namespace'],
        parameters=[given['params_file'], overrides, _clock(given)],
        remappings=[
            ('image', given['image']),
            ('image/compressed', given['image'] + '/compressed'),
            *((name, given[name]) for name in ('camera_info', 'odometry_in', 'odom', 'scan')),
        ],
        ros_arguments=['--log-level', f'{logger}:={given["log_level"]}'],
        output='screen',
    )


def _clock(given: dict[str, str]) -> dict[str, bool]:
    return {'use_sim_time': given['use_sim_time'] == 'true'}


def _lifecycle(node: LifecycleNode) -> list[Action]:
    """Configure the node, then activate it; where that fails there is nothing to wait for."""

    def change(transition: int) -> Action:
        event = ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition)
        return EmitEvent(event=event)

    def give_up(start: str, goal: str, what: str) -> Action:
        reason = f'depth_node could not be {what}: its last message says why'
        return RegisterEventHandler(
            OnStateTransition(
                target_lifecycle_node=node,
                start_state=start,
                goal_state=goal,
                entities=[OpaqueFunction(function=_fail, args=[reason])],
            )
        )

    def ended(event: ProcessExited, context: LaunchContext) -> list[Action]:
        if not context.is_shutdown:
            _fail(context, f'depth_node has ended by itself with code {event.returncode}')
        return []

    configure = OnProcessStart(
        target_action=node, on_start=[change(Transition.TRANSITION_CONFIGURE)]
    )
    activate = OnStateTransition(
        target_lifecycle_node=node,
        start_state='configuring',
        goal_state='inactive',
        entities=[change(Transition.TRANSITION_ACTIVATE)],
    )
    return [
        RegisterEventHandler(configure),
        RegisterEventHandler(activate),
        RegisterEventHandler(OnProcessExit(target_action=node, on_exit=ended)),
        give_up('configuring', 'unconfigured', 'configured'),
        give_up('configuring', 'errorprocessing', 'configured'),
        give_up('activating', 'inactive', 'activated'),
        give_up('activating', 'errorprocessing', 'activated'),
    ]


def _fail(context: LaunchContext, reason: str) -> None:
    """End the launch with exit code 1, which a Shutdown action cannot."""
    raise RuntimeError(reason)


def _player(given: dict[str, str], node: LifecycleNode) -> list[Action]:
    """Play the bag once the node is active; where nobody looks at rviz, end with the bag."""
    clock = ['--clock'] if given['use_sim_time'] == 'true' else []
    calibration = _absolute(given['camera_info'], given)
    player = Node(
        package=PACKAGE,
        executable='bag_player',
        arguments=[given['bag'], *clock, '--wait-for-subscribers', calibration],
        output='screen',
    )

    def ended(event: ProcessExited, context: LaunchContext) -> list[Action]:
        if event.returncode and not context.is_shutdown:
            _fail(context, 'the bag could not be played: the last message of bag_player says why')
        if context.is_shutdown or given['rviz'] == 'true':
            return []
        return [LogInfo(msg='the bag is over'), Shutdown(reason='the bag is over')]

    start = OnStateTransition(
        target_lifecycle_node=node,
        start_state='activating',
        goal_state='active',
        entities=[player],
    )
    return [
        RegisterEventHandler(start),
        RegisterEventHandler(OnProcessExit(target_action=player, on_exit=ended)),
    ]


def _absolute(topic: str, given: dict[str, str]) -> str:
    """Return the full name of a topic of the node."""
    if topic.startswith('/'):
        return topic
    return '/'.join(['', *filter(None, given['namespace'].split('/')), topic])


def _rviz(given: dict[str, str]) -> Node:
    return Node(
        package='rviz2',
        executable='rviz2',
        arguments=['-d', given['rviz_config'], '-f', given['rviz_frame']],
        remappings=[(f'/{topic}', _absolute(given.get(topic, topic), given)) for topic in TOPICS],
        parameters=[_clock(given)],
        output='log',
    )
