"""Messages, events and the watch come on a thread of their own, and the executor rests."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

import rclpy
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from lsd_ros.ros.receiver import PastExecutor, Receiver

WAIT_S = 30.0
RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def node(ros_domain: int) -> Any:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    made = rclpy.create_node('camera', context=context)
    yield made
    made.destroy_node()
    context.try_shutdown()


def until(condition: Any, each: Any = lambda: None) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        each()
        time.sleep(0.02)


def subscribed(node: Any, callback: Any, topic: str = 'info', incompatible: Any = None) -> Any:
    return node.create_subscription(
        CameraInfo,
        topic,
        callback,
        RELIABLE,
        callback_group=PastExecutor(),
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=incompatible),
    )


def test_messages_of_every_topic_come_whole_and_in_order_without_an_executor(node: Any) -> None:
    came: dict[str, list[int]] = {'left': [], 'right': []}
    threads = set()

    def callback(topic: str) -> Any:
        def note(message: CameraInfo) -> None:
            threads.add(threading.current_thread().name)
            came[topic].append(message.width)

        return note

    subscriptions = [subscribed(node, callback(topic), topic) for topic in came]
    publishers = [node.create_publisher(CameraInfo, topic, RELIABLE) for topic in came]
    until(lambda: all(each.get_subscription_count() for each in publishers))
    receiver = Receiver(node.context, subscriptions, WAIT_S, lambda: None)
    for width in range(20):
        for publisher in publishers:
            publisher.publish(CameraInfo(width=width))
        until(lambda wanted=width + 1: all(len(widths) == wanted for widths in came.values()))
    receiver.close()
    assert came == {topic: [*range(20)] for topic in came}
    assert threads == {'lsd_ros_receiver'}


def test_executor_of_the_node_leaves_these_subscriptions_alone(node: Any) -> None:
    came: list[str] = []
    passed = subscribed(node, lambda _: came.append('passed'), 'passed')
    node.create_subscription(CameraInfo, 'served', lambda _: came.append('served'), RELIABLE)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    publishers = [
        node.create_publisher(CameraInfo, topic, RELIABLE) for topic in ('passed', 'served')
    ]
    until(lambda: all(each.get_subscription_count() for each in publishers))
    for publisher in publishers:
        publisher.publish(CameraInfo())
    until(lambda: came, lambda: executor.spin_once(timeout_sec=0.1))
    executor.spin_once(timeout_sec=0.2)
    assert came == ['served']
    receiver = Receiver(node.context, [passed], WAIT_S, lambda: None)
    until(lambda: came == ['served', 'passed'])
    receiver.close()
    executor.shutdown()


def test_watch_goes_on_whether_messages_come_or_not_and_whatever_fails(
    node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    watched: list[float] = []

    def watch() -> None:
        watched.append(time.monotonic())
        if len(watched) == 1:
            raise ValueError('a bug in the watch')

    def refuse(_: Any) -> None:
        raise ValueError('a bug in the callback')

    subscription = subscribed(node, refuse)
    publisher = node.create_publisher(CameraInfo, 'info', RELIABLE)
    until(publisher.get_subscription_count)
    receiver = Receiver(node.context, [subscription], 0.01, watch)
    until(lambda: len(watched) > 3)
    until(lambda: 'a bug in the callback' in caplog.text, lambda: publisher.publish(CameraInfo()))
    seen = len(watched)
    until(lambda: len(watched) > seen + 3, lambda: publisher.publish(CameraInfo()))
    receiver.close()
    assert 'a bug in the watch' in caplog.text
    ended = len(watched)
    time.sleep(0.1)
    assert len(watched) == ended


def test_events_of_the_subscriptions_are_told(node: Any) -> None:
    told: list[Any] = []
    subscription = subscribed(node, lambda _: None, incompatible=told.append)
    receiver = Receiver(node.context, [subscription], 0.01, lambda: None)
    node.create_publisher(CameraInfo, 'info', BEST_EFFORT)
    until(lambda: told)
    receiver.close()
    assert [event.total_count for event in told] == [1]


def test_ends_with_ros_and_is_closed_after_it(node: Any) -> None:
    watched: list[int] = []
    receiver = Receiver(
        node.context, [subscribed(node, lambda _: None)], 0.01, lambda: watched.append(1)
    )
    until(lambda: watched)
    node.context.try_shutdown()
    receiver.close()
    count = len(watched)
    time.sleep(0.1)
    assert len(watched) == count
