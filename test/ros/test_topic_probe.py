"""The probe as a real process, over the real middleware."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy')

import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header, String

TIMEOUT_S = 60
AGE_NS = 300_000_000


def test_a_probe_reports_number_size_age_and_gaps(ros_domain: int, tmp_path: Path) -> None:
    report = tmp_path / 'report.json'
    topics = ['/image', '/text', '/nobody']
    command = [sys.executable, '-m', 'lsd_ros.ros.topic_probe', str(report), *topics]
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    node = rclpy.create_node('camera', context=context)
    images = node.create_publisher(CompressedImage, '/image', 10)
    texts = node.create_publisher(String, '/text', 10)
    diagnostics = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
    publishers = (images, texts, diagnostics)
    with subprocess.Popen(
        [*command, '--diagnostics', '--warm-up', '0.3'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as probe:
        try:
            _publish(publishers, probe)
            probe.send_signal(signal.SIGTERM)
            said, _ = probe.communicate(timeout=TIMEOUT_S)
        finally:
            probe.kill()
    node.destroy_node()
    context.try_shutdown()
    assert probe.returncode == 0, said
    found = json.loads(report.read_text())
    image, text = found['topics']['/image'], found['topics']['/text']
    assert (image['count'], text['count']) == (11, 8)
    for topic in (image, text):  # which began later, and has a warm-up of its own
        assert 0 < topic['measured'] < topic['count']
    assert image['type'] == 'sensor_msgs/msg/CompressedImage'
    assert 1000 < image['bytes'] / 11 < 1100
    assert AGE_NS / 1e6 <= image['latency_ms']['p50'] <= image['latency_ms']['max'] < 10_000
    assert image['interval_ms']['p50'] > 50
    assert image['gaps'] >= 1
    assert text['latency_ms'] is None
    assert found['missing'] == ['/nobody']
    assert found['diagnostics']['camera'] == {
        'sentences': ['dark', 'too dark'],
        'values': {'number': '11'},
    }
    assert found['middleware']['environment']['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert found['middleware']['name'] == rclpy.get_rmw_implementation_identifier()


def test_what_comes_during_the_warm_up_is_only_counted() -> None:
    from lsd_ros.ros.probing import Watched

    seen = Watched('std_msgs/msg/String', False, 5.0, count=3, size=30)
    seen.arrivals_s.append(5.0)
    report = seen.report()
    assert (report['count'], report['measured'], report['gaps']) == (3, 1, 0)
    assert report['latency_ms'] is report['interval_ms'] is None


def _publish(publishers: tuple[Any, Any, Any], probe: subprocess.Popen[str]) -> None:
    images, texts, diagnostics = publishers
    deadline = time.monotonic() + TIMEOUT_S
    while not all(publisher.get_subscription_count() for publisher in publishers):
        assert time.monotonic() < deadline
        assert probe.poll() is None
        time.sleep(0.05)
    for number in range(12):
        if number != 6:  # a gap of two steps
            seconds, nanoseconds = divmod(time.time_ns() - AGE_NS, 10**9)
            header = Header(stamp=Time(sec=seconds, nanosec=nanoseconds))
            images.publish(CompressedImage(header=header, data=bytes(1000)))
        if number >= 4:
            texts.publish(String(data='hello'))
        values = [KeyValue(key='number', value=str(number))]
        status = DiagnosticStatus(name='camera', message='dark; too dark', values=values)
        diagnostics.publish(DiagnosticArray(status=[status]))
        time.sleep(0.1)
