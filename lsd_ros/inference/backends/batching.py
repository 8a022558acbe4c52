"""One set of networks for several cameras: what waits for them goes through them together."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.inference.backends.base import Backend

LOGGER = logging.getLogger(__name__)

Network = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(eq=False)
class _Request:
    """What one camera wants of a network, and what came of it."""

    network: Network
    data: NDArray[np.uint8]
    result: NDArray[np.float32] | None = None
    error: Exception | None = None

    @property
    def is_open(self) -> bool:
        return self.result is None and self.error is None


class BatchingBackend:
    """
    A backend that several threads may use at once.

    Nobody waits for company: whoever finds the networks free runs them at once, so that a single
    camera loses no time. What comes meanwhile waits, and goes through them as the next batch,
    on the thread of whoever gets there first; so there is no thread to start or to end.

    :param backend: what runs the networks
    :param largest: most images in a batch, as the backend was planned
    """

    def __init__(self, backend: Backend, largest: int) -> None:
        self._backend = backend
        self._largest = largest
        self._waiting: deque[_Request] = deque()
        self._entry = threading.Lock()  # held while somebody joins or leaves the queue
        self._networks = threading.Lock()  # held by whoever runs the networks

    @property
    def name(self) -> str:
        """See :attr:`Backend.name`."""
        return self._backend.name

    @property
    def precision(self) -> str:
        """See :attr:`Backend.precision`."""
        return self._backend.precision

    @property
    def reason(self) -> str:
        """See :attr:`Backend.reason`."""
        return self._backend.reason

    @property
    def device(self) -> str:
        """See :attr:`Backend.device`."""
        return self._backend.device

    def disparities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.disparities`; the result stays valid."""
        return self._answer(_Request(self._backend.disparities, images))

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.motions`; the result stays valid."""
        return self._answer(_Request(self._backend.motions, frames))

    def _answer(self, request: _Request) -> NDArray[np.float32]:
        with self._entry:
            self._waiting.append(request)
        with self._networks:
            while request.is_open:
                _run(self._next_batch())
        if request.result is None:
            assert request.error is not None
            raise request.error
        return request.result

    def _next_batch(self) -> list[_Request]:
        """Take the oldest request, and those for the same network that fit beside it."""
        with self._entry:
            batch = [self._waiting.popleft()]
            room = self._largest - len(batch[0].data)
            for request in tuple(self._waiting):
                if request.network == batch[0].network and len(request.data) <= room:
                    batch.append(request)
                    self._waiting.remove(request)
                    room -= len(request.data)
        return batch


def _run(batch: list[_Request]) -> None:
    """Run a batch; where that fails each request is tried alone, and has its own result."""
    try:
        results = batch[0].network(_stacked([request.data for request in batch]))
    except Exception as error:  # whatever it is, it belongs to the thread that asked
        if len(batch) == 1:
            batch[0].error = error
            return
        LOGGER.warning('a batch of %d images failed, running them alone: %s', len(batch), error)
        for request in batch:
            _run([request])
        return
    ends = np.cumsum([len(request.data) for request in batch])[:-1]
    for request, result in zip(batch, np.split(results, ends), strict=True):
        request.result = result.copy()  # the backend writes over its own


def _stacked(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
