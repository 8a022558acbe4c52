"""Which backend runs the network, by what is asked for and what is installed."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Sequence
from functools import partial

import torch

from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.base import Backend, Plan
from lsd_ros.inference.backends.fallback import FallbackBackend
from lsd_ros.inference.backends.registry import BACKENDS, CPU_BACKENDS, CUDA_BACKENDS
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.models.checkpoint import Weights

LOGGER = logging.getLogger(__name__)


def open_backend(
    settings: EngineSettings, weights: Weights, width: int, height: int, *, batch: int = 1
) -> Backend:
    """
    Build the backend that the settings ask for, for one network size.

    Where the choice is left open, whatever fails to build is logged and the next best is taken; so
    it is when CUDA fails later on.

    :param batch: most cameras whose images run together
    :raises BackendError: what was asked for by name cannot run, or nothing can
    """
    return _first_of(_candidates(settings), settings, weights, width, height, batch)


def _first_of(
    candidates: Sequence[tuple[str, str]],
    settings: EngineSettings,
    weights: Weights,
    width: int,
    height: int,
    batch: int,
) -> Backend:
    reasons = []
    for rank, (device, name) in enumerate(candidates, start=1):
        half = settings.precision == 'half' or (settings.precision == 'auto' and device == 'cuda')
        plan = Plan(weights, width, height, settings.threads, half, batch)
        # elsewhere torch only shrinks images, and its idle threads would spin in the way of others
        torch.set_num_threads(settings.threads if (device, name) == ('cpu', 'torch') else 1)
        try:
            backend = _build(device, name, plan)
        except BackendError as error:
            if len(candidates) == 1:
                raise
            LOGGER.warning('%s on %s is not used: %s', name, device, error)
            reasons.append(str(error))
            continue
        others = candidates[rank:]
        if device == 'cuda' and others:
            next_best = partial(_first_of, others, settings, weights, width, height, batch)
            return FallbackBackend(backend, next_best)
        return backend
    raise BackendError('no backend can run the network: ' + '; '.join(reasons))


def _candidates(settings: EngineSettings) -> list[tuple[str, str]]:
    on_cuda = [('cuda', name) for name in CUDA_BACKENDS if settings.backend in ('auto', name)]
    if settings.device == 'cuda':
        return on_cuda
    names = [name for name in CPU_BACKENDS if settings.backend in ('auto', name)]
    if settings.backend == 'auto':
        names = [name for name in names if importlib.util.find_spec(name) is not None]
    on_cpu = [('cpu', name) for name in names]
    if settings.device == 'auto' and torch.cuda.is_available():
        return on_cuda + on_cpu
    return on_cpu


def _build(device: str, name: str, plan: Plan) -> Backend:
    entry = next(entry for entry in BACKENDS if (entry.device, entry.name) == (device, name))
    module, _, kind = entry.path.partition(':')
    made: Backend = getattr(importlib.import_module(f'{__package__}.{module}'), kind)(plan)
    return made
