"""
The node's parameters, declared from the settings of the node and of the engine.

A parameter that was given wrongly at the start does not end the process: the node keeps the
default, and refuses to be configured until the parameter is set right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from lsd_ros import settings
from lsd_ros.errors import SettingError
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.safety.safety_settings import SafetySettings
from lsd_ros.settings import Setting, setting

LEAST_BITS = 8


@dataclass(frozen=True)
class ImageSettings:
    """How images are read."""

    bit_depth: int = setting(
        0,
        'How many bits of 16 bit images carry light; 0: 12, 14 or 16, by the largest value that '
        'the camera has sent',
        minimum=0,
        maximum=16,
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
        if 0 < self.bit_depth < LEAST_BITS:
            raise SettingError(
                f'image.bit_depth is {self.bit_depth}: it must be 0 (found out) or at least '
                f'{LEAST_BITS}'
            )


@dataclass(frozen=True)
class TransformSettings:
    """How transforms are listened to."""

    static_only: bool = setting(
        False,
        'Listen to static transforms alone: where the camera does not move on the robot the '
        'moving ones, which come by the hundred a second, only cost time',
    )

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)


@dataclass(frozen=True)
class NodeSettings:
    """What the node can be told beside the engine's settings."""

    image_transport: str = setting(
        'raw',
        'Which images to subscribe to: raw ones on image, or compressed ones on image/compressed',
        choices=('raw', 'compressed'),
    )
    max_rate_hz: float = setting(
        0.0,
        'Images that are worked on, at most so many a second; the newest wins [1/s]; 0: all',
        minimum=0,
        maximum=1000,
    )
    odom_frame: str = setting('odom', 'Frame of the odometry: where the base was at the start')
    base_frame: str = setting(
        'base_link', 'Frame of the robot that moves in the odometry frame, x forward and z up'
    )
    publish_tf: bool = setting(
        False, 'Also publish the odometry as the transform from odom_frame to base_frame'
    )
    diagnostics_period_s: float = setting(
        1.0, 'Time between two diagnostics [s]', minimum=0.1, maximum=60
    )
    bond: bool = setting(
        True,
        "Form a bond while active, by which Nav2's lifecycle manager notices that the process has "
        'died; where bondpy is installed',
    )
    autostart: bool = setting(
        False, 'Configure and activate at the start, for use without a launch file'
    )
    tf: TransformSettings = field(default_factory=TransformSettings)
    image: ImageSettings = field(default_factory=ImageSettings)
    safety: SafetySettings = field(default_factory=SafetySettings)

    def __post_init__(self) -> None:
        """Check every value."""
        settings.check(self)
        frames = self.odom_frame, self.base_frame
        if not all(frames) or len(set(frames)) < 2 or any(f.startswith('/') for f in frames):
            raise SettingError(
                f'odom_frame is {self.odom_frame!r} and base_frame is {self.base_frame!r}: '
                'they must be two different names, without a slash before them'
            )


@dataclass(frozen=True)
class Settings:
    """Everything that the parameters say, at one moment."""

    node: NodeSettings
    engine: EngineSettings

    @property
    def needs_odometry_in(self) -> bool:
        """Return whether another odometry is of any use."""
        return self.engine.scale.source == 'odometry' or self.engine.odometry.fuse


READ_ONLY = ('autostart',)
IMPLICIT = ('use_sim_time', 'start_type_description_service')  # rclpy's own
# These take effect with the next image; all others are read when the node is configured.
LIVE = (
    'max_rate_hz',
    'image.',
    'depth_encoding',
    'drop_off.',
    'temporal.',
    'min_depth_m',
    'max_depth_m',
    'depth_size',
    'distortion',
    'scale.',
    'mount.',
    'points.',
    'scan.',
    'odometry.',
    'safety.',
)


class Parameters:
    """
    The declared parameters of a node; what they say together is checked at every change.

    While ``locked``, only those that take effect at once may change.
    """

    def __init__(self, node: Node) -> None:
        """Declare every parameter; what was given wrongly is kept for :meth:`settings`."""
        self._node = node
        self._leaves = {
            leaf.name: leaf
            for cls in (NodeSettings, EngineSettings)
            for leaf in settings.leaves(cls)
        }
        self._refused: dict[str, str] = {}
        for leaf in self._leaves.values():
            self._declare(leaf)
        self._values = {name: node.get_parameter(name).value for name in self._leaves}
        self._settings: Settings | None = None
        self._checked: Settings | None = None  # of the change that is being made
        self._is_consistent = False  # known to be; else it is looked at
        self.locked = False
        node.add_on_set_parameters_callback(self._on_set)

    def settings(self) -> Settings:
        """
        Return what the parameters say.

        :raises SettingError: one was given wrongly, or two contradict each other
        """
        if self._refused:
            raise SettingError('; '.join(self._refused.values()))
        known = self._settings  # another thread may set it to None at any time
        if known is None:
            known = self._settings = self._together(self._values)
        return known

    def strangers(self) -> list[str]:
        """Return a sentence for everything that was given at the start and that nobody reads."""
        known = [name for name in self._node.get_parameters_by_prefix('') if name not in IMPLICIT]
        idle = f'qos_overrides.{self._node.resolve_topic_name("odometry_in")}.'
        # rclpy has no public way to ask for what was given
        given: Iterable[str] = self._node._parameter_overrides
        return [
            _stranger(name, known)
            for name in sorted(given)
            if not self._node.has_parameter(name) and not name.startswith(idle)
        ]

    @property
    def autostart(self) -> bool:
        """Return whether the node configures and activates itself."""
        return bool(self._values['autostart'])

    def _declare(self, leaf: Setting) -> None:
        # Declared loosely first: rclpy would end the process where a given value does not fit.
        self._node.declare_parameter(
            leaf.name, leaf.default, ParameterDescriptor(dynamic_typing=True)
        )
        try:
            settings.check_value(leaf, _as_declared(leaf, self._node.get_parameter(leaf.name)))
        except SettingError as error:
            self._refused[leaf.name] = str(error)
            self._node.set_parameters([Parameter(leaf.name, value=leaf.default)])
        self._node.set_descriptor(leaf.name, descriptor(leaf))

    def _on_set(self, changes: Sequence[Parameter[Any]]) -> SetParametersResult:
        ours = [change for change in changes if change.name in self._leaves]
        try:
            values = self._changed(ours)
        except SettingError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._values, self._settings = values, self._checked
        self._is_consistent = self._checked is not None
        self._checked = None
        for change in ours:
            self._refused.pop(change.name, None)
        return SetParametersResult(successful=True)

    def _changed(self, changes: Iterable[Parameter[Any]]) -> dict[str, Any]:
        values = dict(self._values)
        for change in changes:
            leaf = self._leaves[change.name]
            if self.locked and not change.name.startswith(LIVE):
                raise SettingError(
                    f'{change.name} is read when the node is configured: deactivate the node and '
                    'clean it up, then set it and configure again'
                )
            values[change.name] = _as_declared(leaf, change)
            settings.check_value(leaf, values[change.name])
        self._checked = None
        if self._is_consistent or self._consistent(self._values):
            # Otherwise values contradict each other since the start, and are mended one by one.
            self._checked = self._together(values)
        return values

    def _together(self, values: dict[str, Any]) -> Settings:
        made = Settings(node=_part(NodeSettings, values), engine=_part(EngineSettings, values))
        topic = self._node.resolve_topic_name('odometry_in')
        if made.needs_odometry_in and topic == self._node.resolve_topic_name('odom'):
            raise SettingError(
                f'scale.source is {made.engine.scale.source!r}, odometry.fuse is '
                f'{made.engine.odometry.fuse}, and both odometry_in and odom are {topic}, so the '
                'node would listen to itself: remap odom to a name of its own'
            )
        return made

    def _consistent(self, values: dict[str, Any]) -> bool:
        try:
            self._together(values)
        except SettingError:
            return False
        return True


def _stranger(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    remedy = f'did you mean {close[0]}?' if close else 'ros2 param list names those that there are'
    return f'nobody reads the parameter {name} that was given: {remedy}'


def descriptor(leaf: Setting) -> ParameterDescriptor:
    """Describe a setting in the words of ROS."""
    result = ParameterDescriptor(
        type=Parameter.Type.from_parameter_value(leaf.default).value,
        description=leaf.description,
        read_only=leaf.name in READ_ONLY,
        # so that 2 is as good as 2.0, and what is refused is refused in our words
        dynamic_typing=True,
    )
    if leaf.choices:
        result.additional_constraints = 'one of: ' + ', '.join(map(repr, leaf.choices))
    elif leaf.name not in READ_ONLY and not leaf.name.startswith(LIVE):
        result.additional_constraints = 'read when the node is configured'
    if leaf.minimum is None or leaf.maximum is None:
        return result
    if leaf.kind is int:
        bounds = IntegerRange(from_value=int(leaf.minimum), to_value=int(leaf.maximum))
        result.integer_range = [bounds]
    elif leaf.kind is float:
        result.floating_point_range = [
            FloatingPointRange(from_value=float(leaf.minimum), to_value=float(leaf.maximum))
        ]
    return result


def _as_declared(leaf: Setting, parameter: Parameter[Any]) -> Any:
    value = parameter.value
    return float(value) if leaf.kind is float and type(value) is int else value


def _part(cls: type[Any], values: dict[str, Any]) -> Any:
    return settings.build(cls, {leaf.name: values[leaf.name] for leaf in settings.leaves(cls)})
