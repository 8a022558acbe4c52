"""Quality of service: what the node asks for, and where two sides cannot understand each other."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rclpy.duration import Duration
from rclpy.exceptions import ParameterException
from rclpy.qos import (
    DurabilityPolicy,
    LivelinessPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
)
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions

from lsd_ros.errors import RosError

# Every policy that can keep two sides apart, so that a mismatch can be mended on this side.
OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
    QoSPolicyKind.DEADLINE,
    QoSPolicyKind.LIVELINESS,
    QoSPolicyKind.LIVELINESS_LEASE_DURATION,
)
# What asks for more than the other side offers, of the policies that are words.
_TOO_MUCH = {
    'reliability': (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE),
    'durability': (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL),
    'liveliness': (LivelinessPolicy.AUTOMATIC, LivelinessPolicy.MANUAL_BY_TOPIC),
}
# Unset durations are zeros on this side, and the longest that there is from the other side.
_ENDLESS_NS = 2**62


@dataclass(frozen=True)
class Mismatch:
    """
    A policy that keeps a publisher and a subscription from each other.

    :param policy: as in the names of the parameters ``qos_overrides.<topic>.*.<policy>``
    :param offered: by the publisher, as the value of such a parameter, with its unit
    :param requested: by the subscription, likewise
    """

    policy: str
    offered: str
    requested: str


def mismatches(offered: QoSProfile, requested: QoSProfile) -> list[Mismatch]:
    """Return every policy of which a subscription requests more than a publisher offers."""
    found = [
        Mismatch(policy, less.name.lower(), more.name.lower())
        for policy, (less, more) in _TOO_MUCH.items()
        if (_word(offered, policy), getattr(requested, policy)) == (less, more)
    ]
    for policy in ('deadline', 'liveliness_lease_duration'):
        longest, wanted = getattr(offered, policy), getattr(requested, policy)
        if _nanoseconds(wanted) < _nanoseconds(longest):
            found.append(Mismatch(policy, _duration(longest), _duration(wanted)))
    return found


def keeps(offered: QoSProfile) -> bool:
    """Return whether a publisher keeps its last message for those who come later."""
    return bool(offered.durability == DurabilityPolicy.TRANSIENT_LOCAL)


def sensor_data() -> QoSProfile:
    """Return the profile of camera streams: better a lost image than a late one."""
    # A copy: rclpy writes the user's overrides into the profile that it is given.
    return copy.copy(qos_profile_sensor_data)


def latched() -> QoSProfile:
    """Return the profile that receives what was published before, by a publisher that keeps it."""
    return QoSProfile(
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def best_effort(depth: int) -> QoSProfile:
    """Return the profile of a stream of which some may be lost; hears every kind of publisher."""
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.BEST_EFFORT)


def reliable(depth: int) -> QoSProfile:
    """Return the profile of results."""
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)


def overridable() -> QoSOverridingOptions:
    """Return what makes ``qos_overrides.<topic>.<publisher or subscription>.*`` parameters."""
    return QoSOverridingOptions(OVERRIDABLE)


@contextmanager
def explained(topic: str) -> Iterator[None]:
    """
    Explain what goes wrong where a publisher or subscription is made.

    :raises RosError: an override is wrong, or the middleware refuses the topic
    """
    try:
        yield
    except (RuntimeError, ValueError, ParameterException, InvalidQosOverridesError) as error:
        raise RosError(
            f'cannot use the topic {topic}: {error}; correct its name or the parameters '
            f'qos_overrides.{topic}.*'
        ) from error


def _word(profile: QoSProfile, policy: str) -> object:
    value = getattr(profile, policy)
    unset = value == LivelinessPolicy.SYSTEM_DEFAULT and policy == 'liveliness'
    return LivelinessPolicy.AUTOMATIC if unset else value


def _nanoseconds(duration: Duration) -> int:
    return min(duration.nanoseconds or _ENDLESS_NS, _ENDLESS_NS)


def _duration(duration: Duration) -> str:
    return f'{duration.nanoseconds} ns' if _nanoseconds(duration) < _ENDLESS_NS else '0 (endless)'
