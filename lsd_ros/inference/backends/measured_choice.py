"""
Which candidate is the fastest on this machine, of those that give the right depth.

Candidates take turns on the stored images for two seconds at most. On the CPU the time of the
processor counts, on a card the time that passes. Each is held
against the network as torch computes it in full precision, here or where its graphs were exported:
depth may differ by 1 % in the median.
What was found is kept beside the compiled networks, by machine, versions and weights.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros import __version__
from lsd_ros.errors import BackendError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import read_file
from lsd_ros.foreign.image_codec import decode_image
from lsd_ros.foreign.optional import version_of
from lsd_ros.geometry.resize import resize_image
from lsd_ros.inference.backends.base import Backend
from lsd_ros.inference.backends.compiled_cache import CompiledCache, cache_folder
from lsd_ros.inference.backends.exported_graphs import judged_without_torch
from lsd_ros.inference.backends.inference_network import depth_network, load_torch
from lsd_ros.inference.backends.processor import processor_name
from lsd_ros.models.weights import Weights

LOGGER = logging.getLogger(__name__)
SECONDS = 2.0
ROUNDS = 15
TOLERANCE = 0.01  # of depth, in the median
GAIN = 0.95  # another candidate must take less than this share of the time of one before it
IMAGES = Path(__file__).parent / 'images'
LIBRARIES = ('openvino', 'onnxruntime')


class Candidate(NamedTuple):
    """One way to run the networks."""

    device: str
    name: str
    half: bool

    def __str__(self) -> str:
        """Return it in words."""
        return f'{self.name} in {"half" if self.half else "full"} precision'


class Ranking(NamedTuple):
    """
    Candidates that are right, the one to take first.

    :param reason: one sentence on why it is the first
    """

    candidates: list[Candidate]
    reason: str


def ranked(
    candidates: Sequence[Candidate],
    build: Callable[[Candidate], Backend],
    weights: Weights,
    size: tuple[int, int],
    threads: int,
) -> Ranking | None:
    """
    Measure candidates, or remember what was measured.

    :param candidates: the most trusted first
    :param build: builds one for a single camera; raises BackendError
    :param size: (width, height) of the network input
    :return: None where nothing was measured yet, and neither torch nor a file of graphs is there
        to say what is right
    :raises BackendError: not one of them can run, or gives the right depth
    """
    cache = CompiledCache(cache_folder('choices'))
    key = _key(candidates, weights, threads)
    known = _read(cache.load(key))
    if known is None:
        images = stored_images(*size)
        wanted = _said_of(images, weights)
        if wanted is None:
            LOGGER.info('backends are not measured: nothing here says what is right')
            return None
        known = _measured(candidates, build, weights, images, wanted)
        stored = {'candidates': known.candidates, 'reason': known.reason}
        cache.store(key, json.dumps(stored).encode())
    LOGGER.info('%s', known.reason)
    return known


def stored_images(width: int, height: int) -> NDArray[np.uint8]:
    """Return the stored images at some size, RGB, shape (N, height, width, 3)."""
    images = []
    for path in sorted(IMAGES.glob('*.jpg')):
        data = read_file(path, BackendError)
        picture = decode_image(data, cv2.IMREAD_COLOR, BackendError, str(path))
        images.append(resize_image(picture[:, :, ::-1], width, height))
    return np.stack(images)


def torch_says(images: NDArray[np.uint8], weights: Weights) -> NDArray[np.float32]:
    """
    Return what the depth network says in torch, in full precision.

    :param images: RGB of the network size, shape (N, H, W, 3)
    :return: disparity, shape (N, h, w)
    :raises BackendError: torch cannot be loaded
    """
    torch = load_torch()
    from lsd_ros.inference.rewrite import depth_inference  # loads torch, too

    with torch.inference_mode():
        maps: NDArray[np.float32] = depth_inference(weights)(torch.from_numpy(images)).numpy()
    return maps[:, 0]


def _said_of(images: NDArray[np.uint8], weights: Weights) -> NDArray[np.float64] | None:
    """Return the depth that is right, from torch or as it was exported; None: nobody says it."""
    try:
        disparity: NDArray[np.float32] | None = torch_says(images, weights)
    except BackendError:
        height, width = images.shape[1:3]
        disparity = judged_without_torch(depth_network(weights), (width, height))
    return None if disparity is None else _depth(disparity, weights)


def _measured(
    candidates: Sequence[Candidate],
    build: Callable[[Candidate], Backend],
    weights: Weights,
    images: NDArray[np.uint8],
    wanted: NDArray[np.float64],
) -> Ranking:
    right: dict[Candidate, Backend] = {}
    for candidate in candidates:
        try:
            backend = build(candidate)
            _check(backend, images, wanted, weights)
        except BackendError as error:
            LOGGER.warning('%s on %s is not used: %s', candidate, candidate.device, error)
        else:
            right[candidate] = backend
    if not right:
        raise BackendError(
            'no backend can run the network: set backend to one by name, to see what is wrong'
        )
    began = time.monotonic()
    seconds = _times(right, images)
    order = _order(seconds)
    times = ', '.join(f'{each} {seconds[each] * 1e3:.1f} ms' for each in order)
    passed_s = time.monotonic() - began
    what = 'time' if order[0].device == 'cuda' else 'CPU time'
    best = f'{order[0]} is the fastest here, {what} of the depth network'
    return Ranking(order, f'{best}: {times}; measured in {passed_s:.1f} s')


def _check(
    backend: Backend, images: NDArray[np.uint8], wanted: NDArray[np.float64], weights: Weights
) -> None:
    found = np.concatenate([backend.disparities(image[None])[:, 0].copy() for image in images])
    if found.shape != wanted.shape:
        raise BackendError(f'its depth is of {found.shape}, and what is right of {wanted.shape}')
    off = float(np.median(np.abs(_depth(found, weights) / wanted - 1)))
    if not off < TOLERANCE:
        raise BackendError(f'its depth is off by {off:.1%} in the median of the stored images')


def _depth(disparity: NDArray[np.float32], weights: Weights) -> NDArray[np.float64]:
    far, near = 1 / weights.depths.max_depth, 1 / weights.depths.min_depth
    return 1 / (far + disparity.astype(np.float64) * (near - far))


def _times(
    backends: dict[Candidate, Backend], images: NDArray[np.uint8]
) -> dict[Candidate, float]:
    """
    Return the least time of each for an image [s].

    On the CPU that of all its threads: it is what a robot pays, and the time that passes says more
    of the other work of the machine. A card works while the processor waits: there time passes.
    """
    on_card = any(candidate.device == 'cuda' for candidate in backends)
    clock = time.perf_counter if on_card else time.process_time
    until = time.monotonic() + SECONDS
    seconds = dict.fromkeys(backends, float('inf'))
    for number in range(ROUNDS):
        image = images[number % len(images)][None]
        for candidate, backend in backends.items():
            backend.disparities(image)  # caches still belong to the one before
            began = clock()
            backend.disparities(image)
            seconds[candidate] = min(seconds[candidate], clock() - began)
        if time.monotonic() > until:
            break
    return seconds


def _order(seconds: dict[Candidate, float]) -> list[Candidate]:
    """Put the fastest first; where two are as good as equal, the more trusted one."""
    best, *others = seconds
    for candidate in others:
        if seconds[candidate] < GAIN * seconds[best]:
            best = candidate
    return [best, *(each for each in seconds if each != best)]


def _key(candidates: Sequence[Candidate], weights: Weights, threads: int) -> str:
    versions = [found for name in LIBRARIES if (found := version_of(name)) is not None]
    on_card = any(candidate.device == 'cuda' for candidate in candidates)
    machine = _card() if on_card else processor_name()
    known = (__version__, machine, versions, weights.sha256, threads, tuple(candidates))
    return hashlib.sha256(repr(known).encode()).hexdigest()


def _card() -> str:
    torch = load_torch()
    return f'{torch.cuda.get_device_name()} {torch.__version__} {version_of("triton")}'


def _read(stored: bytes | None) -> Ranking | None:
    if stored is None:
        return None
    try:
        with ForeignCode(BackendError, 'what was measured here before cannot be read'):
            values = json.loads(stored)
            candidates = [Candidate(*each) for each in values['candidates']]
            return Ranking(candidates, str(values['reason'])) if candidates else None
    except BackendError as error:
        LOGGER.info('it is measured anew: %s', error)
        return None
