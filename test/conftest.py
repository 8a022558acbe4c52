from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from lsd_ros.ros import environment

# 0 is everybody's; above 101 the ports of a domain run into those that Linux hands out.
_DOMAINS = itertools.cycle(range(1, 102))


def pytest_configure() -> None:
    """Keep whatever the tests start on this machine, and apart from other ROS programs."""
    environment.prepare()
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    # compiled networks of tests are nobody else's
    os.environ['XDG_CACHE_HOME'] = tempfile.mkdtemp(prefix='lsd_ros_test_cache.')
    for _ in range(os.getpid() % 101):
        next(_DOMAINS)


def pytest_unconfigure() -> None:
    """Remove what the tests have cached."""
    shutil.rmtree(os.environ['XDG_CACHE_HOME'], ignore_errors=True)


@contextlib.contextmanager
def _own_domain() -> Iterator[int]:
    """Hold a ROS domain that no other test run on this machine holds."""
    for domain in itertools.islice(_DOMAINS, 101):
        path = Path(tempfile.gettempdir(), f'lsd_ros_test_{os.getuid()}_domain_{domain}.lock')
        with path.open('w') as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain
            return
    raise RuntimeError('all ROS domains are taken by other test runs on this machine')


@pytest.fixture(scope='session')
def own_domain() -> Callable[[], AbstractContextManager[int]]:
    """Return what gives a ROS domain of one's own, for fixtures that outlive a test."""
    pytest.importorskip(
        'rclpy', reason='needs rclpy: source a ROS distribution or take its wheels'
    )
    return _own_domain


@pytest.fixture
def ros_domain(
    own_domain: Callable[[], AbstractContextManager[int]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Give a test, and the processes that it starts, a ROS domain of their own."""
    with own_domain() as domain:
        monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
        yield domain
