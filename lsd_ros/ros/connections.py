"""Publishers and subscriptions, and why somebody at the other end of them gets nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle.publisher import LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from lsd_ros.ros import qos

try:
    from rclpy.event_handler import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )
except ModuleNotFoundError:  # the name of it in Humble
    from rclpy.qos_event import (
        PublisherEventCallbacks,
        SubscriptionEventCallbacks,
        UnsupportedEventTypeError,
    )

SOMEBODY = 'somebody'

log = logging.getLogger(__name__)
_Key = tuple[bytes, str]  # of a peer, and what is wrong with it


@dataclass(frozen=True)
class _End:
    """
    The end of a topic that is here.

    :param shared: whether others may publish there, too
    """

    topic: str
    type_name: str
    profile: QoSProfile
    is_publisher: bool
    shared: bool = True


class Connections:
    """
    Makes publishers and subscriptions whose quality of service the user may override.

    A peer that cannot be understood is logged once, as soon as the middleware reports it, and
    named by :meth:`problems` for as long as it is there; so is whoever else publishes a result of
    this node, such as a lidar on ``scan`` or wheels on ``odom``.
    """

    def __init__(self, node: LifecycleNode) -> None:
        """Start without any."""
        self._node = node
        self._ends: list[_End] = []
        self._publishers: list[LifecyclePublisher[Any]] = []
        self._subscriptions: list[Subscription[Any]] = []
        self._said: set[_Key] = set()
        self._own_gids: set[bytes] = set()

    def publisher(
        self, kind: type[Any], topic: str, profile: QoSProfile, *, shared: bool = False
    ) -> LifecyclePublisher[Any]:
        """
        Make a publisher.

        :param profile: what the user's overrides are written into
        :param shared: whether it is usual that others publish there, too
        :raises RosError: an override is wrong, or the middleware refuses the topic
        """
        name = self._node.resolve_topic_name(topic)
        before = self._namesakes(name)
        with qos.explained(name):
            publisher = self._node.create_lifecycle_publisher(
                kind,
                topic,
                profile,
                qos_overriding_options=qos.overridable(),
                event_callbacks=PublisherEventCallbacks(incompatible_qos=self._look),
            )
        self._own_gids |= self._namesakes(name) - before
        self._publishers.append(publisher)
        self._ends.append(_End(name, _type_name(kind), profile, is_publisher=True, shared=shared))
        return publisher

    def subscription(
        self,
        kind: type[Any],
        topic: str,
        callback: Callable[[Any], None],
        profile: QoSProfile,
        on_lost: Callable[[Any], None] | None = None,
        group: CallbackGroup | None = None,
    ) -> Subscription[Any]:
        """
        Subscribe.

        :param profile: what the user's overrides are written into
        :param on_lost: told by the middleware, as far as it can, of messages that were lost
        :param group: whom it is served by; None: the executor of the node
        :raises RosError: an override is wrong, or the middleware refuses the topic
        """
        name = self._node.resolve_topic_name(topic)

        def subscribed(on_lost: Callable[[Any], None] | None) -> Subscription[Any]:
            return self._node.create_subscription(
                kind,
                topic,
                callback,
                profile,
                callback_group=group,
                qos_overriding_options=qos.overridable(),
                event_callbacks=SubscriptionEventCallbacks(
                    incompatible_qos=self._look, message_lost=on_lost
                ),
            )

        with qos.explained(name):
            try:
                subscription = subscribed(on_lost)
            except UnsupportedEventTypeError:
                subscription = subscribed(None)
        self._subscriptions.append(subscription)
        self._ends.append(_End(name, _type_name(kind), profile, is_publisher=False))
        return subscription

    def latched_subscription(
        self, kind: type[Any], topic: str, callback: Callable[[Any], None]
    ) -> None:
        """
        Subscribe once more, to what was published before by those who keep it.

        A subscription that asks for it hears none of the others, so it is only ever the second
        one, and whom it cannot hear is no problem.
        """
        with qos.explained(self._node.resolve_topic_name(topic)):
            subscription = self._node.create_subscription(
                kind,
                topic,
                callback,
                qos.latched(),
                event_callbacks=SubscriptionEventCallbacks(
                    incompatible_qos=lambda _: None, use_default_callbacks=False
                ),
            )
        self._subscriptions.append(subscription)

    def publishers(self, topic: str) -> list[tuple[str, QoSProfile]]:
        """Return the name and the profile of everybody who publishes a topic."""
        found = self._node.get_publishers_info_by_topic(self._node.resolve_topic_name(topic))
        return [(_name(peer), peer.qos_profile) for peer in found]

    def problems(self) -> list[str]:
        """Return a sentence for everybody who cannot be understood; what is new is logged."""
        found = dict(self._found())
        for key in found.keys() - self._said:
            log.error(found[key])
        self._said = set(found)
        return list(dict.fromkeys(found.values()))

    def duplicates(self) -> list[str]:
        """
        Return who publishes the same under the very name of this node.

        Only the middleware tells two nodes of one name from each other, by the GIDs of their
        publishers.
        """
        found = []
        for end in self._ends:
            if end.shared or self._node.count_publishers(end.topic) < 2:
                continue
            for gid in sorted(self._namesakes(end.topic) - self._own_gids):
                found.append(
                    f'another node called {self._node.get_fully_qualified_name()} publishes '
                    f'{end.topic}, too (GID {gid.hex()})'
                )
        return found

    def close(self) -> None:
        """Destroy them."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._ends.clear()

    def _look(self, _: object) -> None:
        self.problems()

    def _found(self) -> Iterator[tuple[_Key, str]]:
        """Yield what is wrong with whom, and the sentence about it."""
        for end in self._ends:
            yield from self._rivals(end)
            for peer in self._peers(end):
                gid = bytes(peer.endpoint_gid)
                if peer.topic_type != end.type_name:
                    yield (gid, 'type'), _wrong_type(end, peer)
                    continue
                sides = (end.profile, peer.qos_profile)
                offered, requested = sides if end.is_publisher else sides[::-1]
                say = _not_heard if end.is_publisher else _not_hearing
                for mismatch in qos.mismatches(offered, requested):
                    yield (gid, mismatch.policy), say(end, peer, mismatch)

    def _rivals(self, end: _End) -> Iterator[tuple[_Key, str]]:
        """Yield who else publishes what nobody else should."""
        if end.shared:
            return
        own = self._node.get_fully_qualified_name()
        for peer in self._node.get_publishers_info_by_topic(end.topic):
            if _name(peer) not in (own, SOMEBODY):
                yield (
                    (bytes(peer.endpoint_gid), 'rival'),
                    f'{_name(peer)} publishes {end.topic} as well as this node, and who listens '
                    'takes one for the other: remap the topic of one of them',
                )

    def _namesakes(self, topic: str) -> set[bytes]:
        """Return the GIDs of the publishers of a topic that belong to nodes of our own name."""
        own = self._node.get_fully_qualified_name()
        peers = self._node.get_publishers_info_by_topic(topic)
        return {bytes(peer.endpoint_gid) for peer in peers if _name(peer) == own}

    def _peers(self, end: _End) -> list[TopicEndpointInfo]:
        node = self._node
        look = (
            node.get_subscriptions_info_by_topic
            if end.is_publisher
            else node.get_publishers_info_by_topic
        )
        peers: list[TopicEndpointInfo] = look(end.topic)
        return peers


def is_heard(publisher: LifecyclePublisher[Any]) -> bool:
    """Return whether somebody subscribes to what is published."""
    return bool(publisher.get_subscription_count())


def _type_name(kind: type[Any]) -> str:
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


def _name(peer: TopicEndpointInfo) -> str:
    if 'UNKNOWN' in peer.node_name:  # the first word about a peer comes before its name
        return SOMEBODY
    return f'{peer.node_namespace.rstrip("/")}/{peer.node_name}'


def _wrong_type(end: _End, peer: TopicEndpointInfo) -> str:
    verb = 'subscribes to' if end.is_publisher else 'publishes'
    return (
        f'{_name(peer)} {verb} {end.topic} as {peer.topic_type} and this node takes it for '
        f'{end.type_name}: remap the topic of one of them'
    )


def _not_hearing(end: _End, peer: TopicEndpointInfo, mismatch: qos.Mismatch) -> str:
    return (
        f'nothing comes from {_name(peer)} on {end.topic}: it offers {mismatch.policy} '
        f'{mismatch.offered} and this node requests {mismatch.requested}; start this node with '
        f'qos_overrides.{end.topic}.subscription.{mismatch.policy} set to {mismatch.offered}, or '
        f'let {_name(peer)} offer {mismatch.requested}'
    )


def _not_heard(end: _End, peer: TopicEndpointInfo, mismatch: qos.Mismatch) -> str:
    return (
        f'nothing goes to {_name(peer)} on {end.topic}: it requests {mismatch.policy} '
        f'{mismatch.requested} and this node offers {mismatch.offered}; start this node with '
        f'qos_overrides.{end.topic}.publisher.{mismatch.policy} set to {mismatch.requested}, or '
        f'let {_name(peer)} request {mismatch.offered}'
    )
