from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from lsd_ros.ros.bonding import HEARTBEAT_PERIOD_S, HEARTBEAT_TIMEOUT_S, Bonding

NODE: Any = SimpleNamespace(get_name=lambda: 'depth_node')


@pytest.fixture
def bonds(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Stand in for bondpy, whose messages have no wheels; return what it is told."""
    made: list[Any] = []

    class Bond:
        def __init__(self, node: Any, topic: str, bond_id: str, on_broken: Any, on_formed: Any):
            self.said = [topic, bond_id]
            self.on_broken, self.on_formed = on_broken, on_formed
            made.append(self)

        def __getattr__(self, name: str) -> Any:
            return lambda *values: self.said.append((name, *values))

    monkeypatch.setitem(sys.modules, 'bondpy', SimpleNamespace())
    monkeypatch.setitem(sys.modules, 'bondpy.bondpy', SimpleNamespace(Bond=Bond))
    return made


def test_bond_is_that_of_nav2(bonds: list[Any], caplog: Any) -> None:
    bonding = Bonding(NODE, wanted=True)
    (bond,) = bonds
    assert bond.said == [
        'bond',
        'depth_node',
        ('set_heartbeat_period', HEARTBEAT_PERIOD_S),
        ('set_heartbeat_timeout', HEARTBEAT_TIMEOUT_S),
        ('start',),
    ]
    bond.on_broken()  # nobody ever took part in it
    assert not caplog.records
    bond.on_formed()
    bond.on_broken()
    assert 'the lifecycle manager is gone' in caplog.text
    bonding.close()
    bonding.close()
    assert bond.said.count(('shutdown',)) == 1


def test_no_bond_where_it_is_not_wanted_or_bondpy_is_not_there(
    bonds: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    Bonding(NODE, wanted=False).close()
    monkeypatch.setitem(sys.modules, 'bondpy.bondpy', None)
    Bonding(NODE, wanted=True).close()
    assert not bonds
