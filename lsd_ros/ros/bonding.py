"""The bond with Nav2's lifecycle manager, which notices by it that this process has died."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from rclpy.lifecycle import LifecycleNode

from lsd_ros.ros.side_node import SideNode

TOPIC = 'bond'
# those of Nav2's own nodes: nav2_util::LifecycleNode::createBond
HEARTBEAT_PERIOD_S = 0.1
HEARTBEAT_TIMEOUT_S = 4.0

log = logging.getLogger(__name__)


class Bonding:
    """
    A bond from activation to deactivation, where bondpy is installed.

    Nav2's manager takes part in the bond of the id that the node's name is. Where nobody does, as
    without Nav2, nothing happens.

    :param wanted: as a parameter says
    """

    def __init__(self, node: LifecycleNode, *, wanted: bool) -> None:
        """Form the bond, where that can be."""
        self._bond: Any = None
        if not wanted:
            return
        try:
            bondpy = importlib.import_module('bondpy.bondpy')
        except ImportError:
            log.debug('bondpy is not installed: set bond_timeout of the lifecycle manager to 0.0')
            return
        # on a node of its own: a bond that ends takes its subscription down on a timer's thread
        self._side = SideNode(node, 'bond')
        self._bond = bondpy.Bond(
            self._side.node,
            node.resolve_topic_name(TOPIC),
            node.get_name(),
            on_broken=self._broken,
            on_formed=self._formed,
        )
        self._bond.set_heartbeat_period(HEARTBEAT_PERIOD_S)
        self._bond.set_heartbeat_timeout(HEARTBEAT_TIMEOUT_S)
        self._is_formed = False
        self._bond.start()

    def close(self) -> None:
        """Break the bond, so that the manager knows that it was meant."""
        if self._bond is not None:
            bond, self._bond = self._bond, None
            bond.shutdown()
            self._side.close()

    def _formed(self) -> None:
        self._is_formed = True
        log.info('the lifecycle manager watches this node')

    def _broken(self) -> None:
        if self._bond is not None and self._is_formed:
            log.warning('the lifecycle manager is gone: its bond with this node is broken')
