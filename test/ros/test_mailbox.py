from __future__ import annotations

import threading

from lsd_ros.ros.mailbox import Mailbox
from lsd_ros.ros.worker import Worker


def test_newest_wins_and_the_others_are_counted():
    mailbox: Mailbox[int] = Mailbox()
    for thing in (1, 2, 3):
        mailbox.put(thing)
    assert mailbox.take() == 3
    assert (mailbox.received, mailbox.dropped) == (3, 2)


def test_closing_wakes_the_one_who_waits_and_nothing_more_is_taken():
    mailbox: Mailbox[int] = Mailbox()
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(mailbox.take()))
    waiting.start()
    mailbox.close()
    waiting.join(timeout=10)
    mailbox.put(1)
    assert taken == [None]
    assert (mailbox.received, mailbox.take()) == (0, None)


def test_worker_that_is_stopped_finishes_what_it_has_in_hand_and_leaves_the_rest():
    mailbox: Mailbox[int] = Mailbox()
    begun, go_on, done = threading.Event(), threading.Event(), []

    def handle(thing):
        begun.set()
        go_on.wait(timeout=10)
        done.append(thing)

    worker = Worker(mailbox, handle)
    mailbox.put(1)
    assert begun.wait(timeout=10)
    mailbox.put(2)
    threading.Timer(0.1, go_on.set).start()
    worker.stop()
    assert done == [1]


def test_every_thing_is_either_handled_or_dropped():
    mailbox: Mailbox[int] = Mailbox()
    handled = []
    last = threading.Event()

    def handle(thing):
        handled.append(thing)
        if thing == 9_999:
            last.set()

    worker = Worker(mailbox, handle)
    for thing in range(10_000):
        mailbox.put(thing)
    assert last.wait(timeout=10)
    worker.stop()
    assert handled == sorted(set(handled))
    assert len(handled) + mailbox.dropped == mailbox.received == 10_000
