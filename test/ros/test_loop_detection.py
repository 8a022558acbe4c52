from __future__ import annotations

from lsd_ros.ros.loop_detection import LONE_NS, LoopDetector


def next_start(*messages: tuple[str, int]) -> int:
    rhythm = LoopDetector()
    for topic, stamp_ns in messages:
        rhythm.note(topic, stamp_ns)
    return rhythm.next_start_ns


def test_every_topic_keeps_its_period() -> None:
    fast = [('imu', stamp) for stamp in range(1000, 1200, 10)]
    slow = [('image', stamp) for stamp in range(1005, 1200, 50)]
    start = next_start(*sorted(fast + slow, key=lambda message: message[1]))
    # the next image comes 50 after the last one, the next imu not before its 10
    assert (start - 1000) + 1005 == 1155 + 50
    assert start >= 1190 + 10


def test_what_comes_once_does_not_set_the_pace() -> None:
    assert next_start(('map', 1000), ('image', 1000), ('image', 1030), ('image', 1060)) == 1090


def test_a_bag_of_one_moment_is_not_played_without_rest() -> None:
    assert next_start(('image', 1000), ('info', 1000)) == 1000 + LONE_NS
