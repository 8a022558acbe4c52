"""A backend that gives way to another one when its device fails on the road."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.base import Backend

LOGGER = logging.getLogger(__name__)


class FallbackBackend:
    """
    Runs on one backend as long as that works, and on another one from then on.

    A device whose memory is full, or that is lost, does not come back by itself: whoever asked
    for any device is served by the next best one, and the call that failed is answered, too.

    :param first: what runs the networks at first
    :param next_best: builds what runs them after the first failure
    """

    def __init__(self, first: Backend, next_best: Callable[[], Backend]) -> None:
        self._backend = first
        self._next_best: Callable[[], Backend] | None = next_best

    @property
    def name(self) -> str:
        """Return the name of what runs at this moment."""
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
        """Return the device that runs at this moment."""
        return self._backend.device

    def disparities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        See :meth:`Backend.disparities`.

        :raises BackendError: the next best one failed, too
        """
        try:
            return self._backend.disparities(images)
        except BackendError as error:
            return self._fallen_back(error).disparities(images)

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        See :meth:`Backend.motions`.

        :raises BackendError: the next best one failed, too
        """
        try:
            return self._backend.motions(frames)
        except BackendError as error:
            return self._fallen_back(error).motions(frames)

    def _fallen_back(self, error: BackendError) -> Backend:
        if self._next_best is None:
            raise error
        failed = self.device
        self._backend = self._next_best()
        self._next_best = None
        LOGGER.error(
            '%s failed, the network runs in %s on %s from now on, which is slower: %s',
            failed,
            self.name,
            self.device,
            error,
        )
        return self._backend
