"""Quality of service that the user may override by parameters, and what a wrong one says."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.exceptions import ParameterException
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions

from lsd_ros.errors import RosError


def sensor_data() -> QoSProfile:
    """Return the profile of camera streams: better a lost image than a late one."""
    # A copy: rclpy writes the user's overrides into the profile that it is given.
    return copy.copy(qos_profile_sensor_data)


def reliable(depth: int) -> QoSProfile:
    """Return the profile of results."""
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)


def overridable() -> QoSOverridingOptions:
    """Return what makes ``qos_overrides.<topic>.<publisher or subscription>.*`` parameters."""
    return QoSOverridingOptions.with_default_policies()


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
