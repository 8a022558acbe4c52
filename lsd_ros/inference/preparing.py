"""Networks that fit the images, whose size may change while they run."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from lsd_ros.errors import PreparingError
from lsd_ros.inference.backends.base import Backend
from lsd_ros.inference.beside import Beside

LOGGER = logging.getLogger(__name__)
KEPT = 2  # sizes that a camera goes to and fro between

Size = tuple[int, int]


class PreparedNetworks:
    """
    The networks for the size that is wanted; those of the sizes before are kept for a while.

    :param build: builds them for (width, height)
    :param size: that they are built for at once
    :param beside: whether other sizes are built on a thread of their own, and whoever wants them
        is told so meanwhile; else they are waited for
    :raises BackendError: they cannot be built
    """

    def __init__(self, build: Callable[[int, int], Backend], size: Size, *, beside: bool) -> None:
        self._build = build
        self._beside = beside
        self._building: tuple[Size, Beside[Backend]] | None = None
        self._kept: OrderedDict[Size, Backend] = OrderedDict()
        self.size = size
        self.backend = self._built(size)
        self._keep(size, self.backend)

    def fit(self, size: Size, why: str) -> None:
        """
        Take the networks of a size, (width, height) [pixels].

        :param why: what they are needed for, to be put after "are being built for"
        :raises PreparingError: they are still being built
        :raises BackendError: they cannot be built
        """
        if size == self.size:
            return
        backend = self._kept.get(size)
        if backend is None and not self._beside:
            backend = self._built(size)
        if backend is None:
            backend = self._fetched(size, why)
        self.size, self.backend = size, backend
        self._keep(size, backend)

    def close(self) -> None:
        """Let go of all of them, and of their memory."""
        self._kept.clear()
        del self.backend

    def _fetched(self, size: Size, why: str) -> Backend:
        """Return what was built beside; where it is not done, say so."""
        if self._building is None:
            self._building = size, Beside(lambda: self._built(size))
        wanted, building = self._building
        if not building.wait(0):
            raise PreparingError(
                f'the networks of {wanted[0]} x {wanted[1]} are being built for {why}, since '
                f'{building.seconds:.0f} s: wait until they are ready, and keep the size of the '
                'images'
            )
        self._building = None
        backend = building.result()
        self._keep(wanted, backend)
        return backend if wanted == size else self._fetched(size, why)

    def _keep(self, size: Size, backend: Backend) -> None:
        self._kept[size] = backend
        self._kept.move_to_end(size)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def _built(self, size: Size) -> Backend:
        started = time.perf_counter()
        backend = self._build(*size)
        LOGGER.info(
            'network of %d x %d runs in %s on %s, ready after %.1f s',
            *size,
            backend.name,
            backend.device,
            time.perf_counter() - started,
        )
        return backend
