from __future__ import annotations

import itertools
import os

import pytest

from lsd_ros.ros import environment

# 0 is everybody's; above 101 the ports of a domain run into those that Linux hands out.
_DOMAINS = itertools.cycle(range(1, 102))


def pytest_configure() -> None:
    """Keep whatever the tests start on this machine, and apart from other ROS programs."""
    environment.prepare()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    for _ in range(os.getpid() % 101):
        next(_DOMAINS)


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """Give a test, and the processes that it starts, a ROS domain of their own."""
    pytest.importorskip(
        'rclpy', reason='needs rclpy: source a ROS distribution or take its wheels'
    )
    domain = next(_DOMAINS)
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    return domain
