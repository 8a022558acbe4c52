"""The thread that takes what comes often, past the executor."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.subscription import Subscription

NS = 1_000_000_000

log = logging.getLogger(__name__)


class PastExecutor(MutuallyExclusiveCallbackGroup):
    """A group whose subscriptions no executor serves, nor their events, which wake it as often."""

    def can_execute(self, entity: Any) -> bool:
        """Return that an executor need not wait for this."""
        return False


class Receiver:
    """
    Calls the callbacks of some subscriptions, and a watch, on a thread of its own.

    An executor of rclpy gathers every service, timer and event of its node anew, in Python, and
    does so several times for each message. Here the middleware is asked for a few subscriptions
    only; their events, such as lost messages, are looked for with every watch.

    :param subscriptions: of the group :class:`PastExecutor`; none may be destroyed before
        :meth:`close`
    :param period_s: time between two calls of ``watch`` [s], steady
    :param watch: is called between messages, whether any come or not
    """

    def __init__(
        self,
        context: Context,
        subscriptions: Sequence[Subscription[Any]],
        period_s: float,
        watch: Callable[[], None],
    ) -> None:
        """Start the thread."""
        self._context = context
        self._subscriptions = tuple(subscriptions)
        self._events = [event for each in subscriptions for event in each.event_handlers]
        self._period_s = period_s
        self._watch = watch
        self._ended = threading.Event()
        self._wake = GuardCondition(None, None, context=context)
        context.on_shutdown(self._end)
        # A daemon: an impatient second Ctrl-C must be able to end the process.
        # In the context of whoever starts it: log messages belong to the same node.
        target = contextvars.copy_context().run
        self._thread = threading.Thread(
            target=target, args=(self._run,), name='lsd_ros_receiver', daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Wait until the callback in hand is done; no other one is called."""
        self._end()
        self._thread.join()
        self._wake.destroy()

    def _end(self) -> None:
        self._ended.set()
        with contextlib.suppress(InvalidHandle):  # ROS shuts down after this was closed
            self._wake.trigger()

    def _run(self) -> None:
        with contextlib.ExitStack() as held:
            handles = [subscription.handle for subscription in self._subscriptions]
            for used in (self._context.handle, self._wake.handle, *handles, *self._events):
                held.enter_context(used)
            messages = self._wait_set(subscriptions=len(handles), guards=1)
            events = self._wait_set(events=len(self._events))
            due_s = time.monotonic() + self._period_s
            while not self._ended.is_set():
                messages.clear_entities()
                for handle in handles:
                    messages.add_subscription(handle)
                messages.add_guard_condition(self._wake.handle)
                messages.wait(max(0, round((due_s - time.monotonic()) * NS)))
                self._take(messages.get_ready_entities('subscription'))
                if time.monotonic() >= due_s and not self._ended.is_set():
                    due_s = time.monotonic() + self._period_s
                    self._call(self._watch)
                    self._look_for_events(events)

    def _wait_set(self, subscriptions: int = 0, guards: int = 0, events: int = 0) -> Any:
        return rclpy_implementation.WaitSet(
            subscriptions, guards, 0, 0, 0, events, self._context.handle
        )

    def _take(self, ready: Sequence[int]) -> None:
        """Take one message of each subscription that has any, in their order."""
        for subscription in self._subscriptions:
            if subscription.handle.pointer in ready and not self._ended.is_set():
                self._call(self._take_one, subscription)

    def _look_for_events(self, wait_set: Any) -> None:
        """Call what was told to be called at events of the subscriptions."""
        wait_set.clear_entities()
        for event in self._events:
            event.add_to_wait_set(wait_set)
        wait_set.wait(0)
        for event in self._events:
            if event.is_ready(wait_set) and (happened := event.take_data()):
                self._call(event.callback, happened)

    @staticmethod
    def _take_one(subscription: Subscription[Any]) -> None:
        found = subscription.handle.take_message(subscription.msg_type, subscription.raw)
        if found is not None:
            subscription.callback(found[0])

    @staticmethod
    def _call(callback: Callable[..., None], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:  # the next message may pass, and the watch must go on
            log.exception('a callback failed')
