"""When a bag that is played in a loop begins again."""

from __future__ import annotations

from collections import Counter

LONE_NS = 1_000_000_000  # the period of a bag that shows none


class LoopDetector:
    """
    The mean period of every topic in one pass through a bag.

    Where the next pass began at once, the last message of a topic and its first one would come
    together, which no live sensor does.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first_ns: dict[str, int] = {}
        self._last_ns: dict[str, int] = {}

    def note(self, topic: str, stamp_ns: int) -> None:
        """Take in the next message, in the order of their stamps [ns]."""
        self._counts[topic] += 1
        self._first_ns.setdefault(topic, stamp_ns)
        self._last_ns[topic] = stamp_ns

    @property
    def next_start_ns(self) -> int:
        """
        Return the stamp [ns] at which the first message is due again.

        No topic then comes sooner than in its own rhythm.
        """
        if not self._counts:
            return 0
        start_ns, end_ns = min(self._first_ns.values()), max(self._last_ns.values())
        spans = {topic: self._last_ns[topic] - first for topic, first in self._first_ns.items()}
        due = [
            start_ns + span + span // (self._counts[topic] - 1)
            for topic, span in spans.items()
            if span
        ]
        return max([*due, end_ns]) if due else end_ns + LONE_NS
