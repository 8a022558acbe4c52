from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

import rclpy

from lsd_ros.ros.bonding import HEARTBEAT_PERIOD_S, HEARTBEAT_TIMEOUT_S, Bonding
from lsd_ros.ros.side_node import SideNode


@pytest.fixture
def node(ros_domain: int) -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain)
    made = rclpy.create_node('depth_node', context=context)
    yield made
    made.destroy_node()
    context.try_shutdown()


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


def test_bond_is_that_of_nav2(bonds: list[Any], node: Any, caplog: Any) -> None:
    bonding = Bonding(node, wanted=True)
    (bond,) = bonds
    assert bond.said == [
        '/bond',
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
    bonds: list[Any], node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bonding(node, wanted=False).close()
    monkeypatch.setitem(sys.modules, 'bondpy.bondpy', None)
    Bonding(node, wanted=True).close()
    assert not bonds


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def test_real_bond_is_formed_and_broken_and_none_that_nobody_forms_is_harmless(node: Any) -> None:
    bondpy = pytest.importorskip('bondpy.bondpy', reason='needs bondpy')
    alone = Bonding(node, wanted=True)
    time.sleep(12)  # it gives up after ten
    assert alone._side._thread.is_alive()
    alone.close()
    manager = SideNode(node, 'manager')
    said: list[str] = []
    theirs = bondpy.Bond(
        manager.node,
        '/bond',
        'depth_node',
        on_broken=lambda: said.append('broken'),
        on_formed=lambda: said.append('formed'),
    )
    theirs.start()
    ours = Bonding(node, wanted=True)
    until(lambda: 'formed' in said)
    ours.close()
    until(lambda: 'broken' in said)
    theirs.shutdown()
    manager.close()
