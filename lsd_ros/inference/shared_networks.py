"""Engines of several cameras in one process, with one set of networks between them."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import Any

from lsd_ros.inference.backends.base import Backend
from lsd_ros.inference.backends.batching import BatchingBackend
from lsd_ros.inference.backends.choice import open_backend
from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.weights import Weights, read_weights


class SharedNetworks:
    """
    Loads engines that share what may be shared; for several threads at once.

    Weights of one file are loaded once. Engines whose settings agree on weights, device, backend,
    precision, threads and network size run through the same networks, in batches. Each engine
    keeps its own odometry and scale. What no engine uses any more is freed.

    :param engines: most of them at a time, and so the largest batch
    """

    def __init__(self, engines: int) -> None:
        self._largest = engines
        self._building = threading.Lock()
        self._weights: weakref.WeakValueDictionary[Any, Weights] = weakref.WeakValueDictionary()
        self._backends: weakref.WeakValueDictionary[Any, BatchingBackend] = (
            weakref.WeakValueDictionary()
        )

    def engine(self, settings: EngineSettings, *, beside: bool = False) -> Engine:
        """
        Load an engine; see :meth:`Engine.load`.

        :param beside: whether networks of another size are built beside those that run

        :raises WeightsError: the weights cannot be used
        :raises BackendError: nothing can run the networks as asked
        """
        return Engine.load(
            settings, weights_of=self.load_weights, opened=self.open_backend, beside=beside
        )

    def load_weights(self, path: str | Path) -> Weights:
        """Load weights, or return those that are loaded already; see :func:`read_weights`."""
        with self._building:
            # a file that was written anew in between is another one
            key = (Path(path).resolve(), _written_ns(path))
            weights = self._weights.get(key)
            if weights is None:
                weights = self._weights[key] = read_weights(path)
            return weights

    def open_backend(
        self, settings: EngineSettings, weights: Weights, width: int, height: int
    ) -> Backend:
        """Build a backend, or return the one that is there; see :func:`open_backend`."""
        runs_in = (settings.device, settings.backend, settings.precision, settings.threads)
        key = (weights, *runs_in, width, height)
        with self._building:
            backend = self._backends.get(key)
            if backend is None:
                alone = open_backend(settings, weights, width, height, batch=self._largest)
                backend = self._backends[key] = BatchingBackend(alone, self._largest)
            return backend


def _written_ns(path: str | Path) -> int | None:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return None  # loading it says what is wrong
