"""Which backend runs the network, by what is asked for and what is installed."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import logging
import sys
from collections.abc import Sequence

from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.base import Backend, NetworkPair, Plan
from lsd_ros.inference.backends.fallback import FallbackBackend
from lsd_ros.inference.backends.inference_network import load_torch
from lsd_ros.inference.backends.measured_choice import Candidate, ranked
from lsd_ros.inference.backends.processor import processor_flags
from lsd_ros.inference.backends.registry import (
    BACKENDS,
    CPU_BACKENDS,
    CUDA_BACKENDS,
    BackendEntry,
)
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.weights import Weights

LOGGER = logging.getLogger(__name__)


def open_backend(
    settings: EngineSettings, weights: Weights, width: int, height: int, *, batch: int = 1
) -> Backend:
    """
    Build the backend that the settings ask for, for one network size.

    Where the choice is left open, the candidates of the device are measured once for each machine
    and weights file, and the fastest of those that are right is taken; weights that are from no
    file run in the first backend that builds, on the CPU in full precision. Where CUDA fails, at
    once or later on, the CPU takes over.

    :param batch: most cameras whose images run together
    :raises BackendError: what was asked for by name cannot run, or nothing can
    """
    return _Opening(settings, weights, width, height, batch).opened()


class _Opening:
    """What is to be opened, and the ways to do it."""

    def __init__(
        self, settings: EngineSettings, weights: Weights, width: int, height: int, batch: int
    ) -> None:
        self._settings = settings
        self._weights = weights
        self._size = width, height
        self._batch = batch

    def opened(self) -> Backend:
        on_cuda = self._on_cuda()
        if not on_cuda:
            return self._opened_on_cpu()
        if self._settings.device == 'cuda':
            return self._opened_on_cuda(on_cuda)
        try:
            backend = self._opened_on_cuda(on_cuda)
        except BackendError as error:
            LOGGER.warning('CUDA is not used: %s', error)
            return self._opened_on_cpu()
        return FallbackBackend(backend, self._opened_on_cpu)

    def _on_cuda(self) -> list[Candidate]:
        wanted = self._settings
        if wanted.device == 'cpu' or (wanted.device == 'auto' and not has_cuda()):
            return []
        names = [name for name in CUDA_BACKENDS if wanted.backend in ('auto', name)]
        if wanted.backend == 'auto':
            names = [name for name in names if name == 'torch' or _is_installed(name)]
        return [Candidate('cuda', name, wanted.precision != 'full') for name in names]

    def _opened_on_cuda(self, trusted: list[Candidate]) -> Backend:
        measured = trusted
        if len(trusted) > 1 and self._settings.precision == 'auto':
            measured = [*trusted, trusted[0]._replace(half=False)]
        return self._fastest_of(measured, trusted)

    def _opened_on_cpu(self) -> Backend:
        wanted = self._settings.backend
        names = [name for name in CPU_BACKENDS if wanted in ('auto', name)]
        if not names:
            raise BackendError(
                f'backend is {wanted!r}, which runs on CUDA, and CUDA cannot be used here: set '
                "backend to 'auto'"
            )
        if self._settings.backend == 'auto':
            names = [name for name in names if _is_installed(name)]
        trusted = [Candidate('cpu', name, self._settings.precision == 'half') for name in names]
        if self._settings.backend == 'auto' and self._settings.precision == 'half':
            trusted = [each for each in trusted if entry_of(each.device, each.name).half]
        candidates = trusted
        if self._settings.precision == 'auto' and has_native_half('cpu'):
            halves = [each._replace(half=True) for each in trusted if each.name == 'openvino']
            candidates = [*trusted[:1], *halves, *trusted[1:]]
        # torch takes twice as long on every machine so far, and beside other work, where its
        # threads spin, a hundred times: too long to measure at every start
        measured = [each for each in candidates if each.name != 'torch']
        return self._fastest_of(measured, trusted)

    def _fastest_of(self, measured: list[Candidate], trusted: list[Candidate]) -> Backend:
        """Open the fastest, or the first of those that are trusted where nothing is measured."""
        # torch says what is right, of weights that can be told from others
        if len(measured) < 2 or not self._weights.sha256:
            return self._first_of(trusted)
        ranking = ranked(
            measured,
            lambda each: self._built(each, batch=1),
            self._weights,
            self._size,
            self._settings.threads,
        )
        if ranking is None:
            return self._first_of(trusted)
        backend = self._first_of([*ranking.candidates, *trusted])
        if isinstance(backend, NetworkPair):
            backend.reason = ranking.reason
        return backend

    def _first_of(self, candidates: Sequence[Candidate]) -> Backend:
        reasons: dict[str, None] = {}  # often it is the same thing that all of them lack
        for candidate in candidates:
            try:
                return self._built(candidate, self._batch)
            except BackendError as error:
                if len(candidates) == 1:
                    raise
                LOGGER.warning('%s on %s is not used: %s', candidate, candidate.device, error)
                reasons[str(error)] = None
        raise BackendError('no backend can run the network: ' + '; '.join(reasons))

    def _built(self, candidate: Candidate, batch: int) -> Backend:
        device, name, half = candidate
        threads = self._settings.threads
        if name == 'torch' or device == 'cuda' or 'torch' in sys.modules:
            torch = load_torch()
            # elsewhere its idle threads would spin in the way of others
            torch.set_num_threads(threads if (device, name) == ('cpu', 'torch') else 1)
        return _build(device, name, Plan(self._weights, *self._size, threads, half, batch))


def has_cuda() -> bool:
    """Return whether there is a CUDA device; torch is asked only where NVIDIA's driver is."""
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        return False
    try:
        return bool(load_torch().cuda.is_available())
    except BackendError:
        return False


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def has_native_half(device: str) -> bool:
    """Return whether the processor itself computes in half precision."""
    return device == 'cuda' or any(
        flag in processor_flags() for flag in ('avx512_bf16', 'amx_bf16')
    )


def entry_of(device: str, name: str) -> BackendEntry:
    """Return the row of a backend."""
    return next(entry for entry in BACKENDS if (entry.device, entry.name) == (device, name))


def _build(device: str, name: str, plan: Plan) -> Backend:
    module, _, kind = entry_of(device, name).path.partition(':')
    made: Backend = getattr(importlib.import_module(f'{__package__}.{module}'), kind)(plan)
    return made
