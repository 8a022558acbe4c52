"""What is said of images that are dropped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from lsd_ros.ros.reporter import Reporter

SAID = 'images were dropped for newer ones'


@pytest.fixture
def node() -> Any:
    """Return a reporter, and what it reads."""
    now = SimpleNamespace(
        settings=SimpleNamespace(
            node=SimpleNamespace(max_rate_hz=0.0), engine=SimpleNamespace(threads=1)
        )
    )
    sources: Any = SimpleNamespace(settings=lambda: now.settings)
    nobody: Any = None
    reporter = Reporter(nobody, sources, lambda _: None)
    now.count = lambda received, dropped: reporter._tell_of_drops(
        SimpleNamespace(received=received, dropped=dropped)
    )
    return now


def test_images_that_max_rate_hz_drops_are_no_sign_of_a_slow_computer(
    node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    node.settings.node.max_rate_hz = 5.0
    node.count(600, 500)
    node.settings.node.max_rate_hz = 0.0
    node.count(750, 505)
    assert SAID not in caplog.text
    node.count(1000, 600)
    node.count(2000, 1600)
    assert [text for text in caplog.messages if SAID in text] == [
        '100 of 400 images were dropped for newer ones: this computer is slower than the camera; '
        'set max_rate_hz to what it can do, or more threads (now 1) and configure the node again'
    ]
