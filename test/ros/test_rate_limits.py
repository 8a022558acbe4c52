from __future__ import annotations

from lsd_ros.ros.rate_limits import TokenBucket


def test_some_at_once_and_then_so_many_a_second():
    now = [0.0]
    allowance = TokenBucket(3, 2.0, clock=lambda: now[0])
    assert [allowance.is_allowed() for _ in range(5)] == [True] * 3 + [False] * 2
    allowed = 0
    for _ in range(1000):
        now[0] += 0.01
        allowed += allowance.is_allowed()
    assert 19 <= allowed <= 21
    now[0] += 100
    assert [allowance.is_allowed() for _ in range(4)] == [True] * 3 + [False]
