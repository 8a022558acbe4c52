"""ONNX Runtime on the CPU."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import BackendError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.inference.backends.base import Network, NetworkPair, Plan, Shape
from lsd_ros.inference.backends.compiled_cache import CompiledCache, cache_key
from lsd_ros.inference.backends.exported_graphs import graph_without_torch
from lsd_ros.inference.backends.inference_network import (
    InferenceNetwork,
    depth_network,
    pose_network,
)

LOGGER = logging.getLogger(__name__)


class OnnxRuntimeBackend(NetworkPair):
    """
    Both networks in ONNX Runtime.

    :raises BackendError: ONNX Runtime or ONNX is not installed, or half precision is asked for
    """

    name = 'onnxruntime'
    device = 'cpu'

    def __init__(self, plan: Plan) -> None:
        if plan.half:
            raise BackendError(
                "precision is 'half': ONNX Runtime computes with full precision on the cpu; "
                "set precision to 'full', or backend to 'openvino'"
            )
        super().__init__(
            runner(depth_network(plan.weights), plan.image_shapes, plan),
            runner(pose_network(plan.weights), plan.frames_shapes, plan),
            half=plan.half,
        )


def runner(network: InferenceNetwork, shapes: Sequence[Shape], plan: Plan) -> Network:
    """
    Make a session that takes every length.

    :param network: takes one tensor of bytes
    :param shapes: of that tensor, of different lengths
    :param plan: threads and batch
    :raises BackendError: ONNX Runtime or ONNX is not installed
    """
    session = _session(network, shapes[0], plan)

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {'image': images})[0]
        return result

    return run


def _session(network: InferenceNetwork, shape: Shape, plan: Plan) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendError(
            f'backend onnxruntime cannot be loaded ({error}): pip install "lsd_ros[onnx]"'
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = plan.threads
    options.inter_op_num_threads = 1
    # a spinning thread starves whatever else runs on the robot
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    providers = ['CPUExecutionProvider']
    stored = _graph(network, shape, any_length=plan.batch > 1)
    try:
        with ForeignCode(BackendError, 'ONNX Runtime cannot load the network of the cache'):
            return onnxruntime.InferenceSession(stored, options, providers=providers)
    except BackendError as error:
        LOGGER.warning('%s: it is exported anew', error)
    model = _graph(network, shape, any_length=plan.batch > 1, anew=True)
    with ForeignCode(BackendError, 'ONNX Runtime cannot load the network'):
        return onnxruntime.InferenceSession(model, options, providers=providers)


def _graph(
    network: InferenceNetwork, shape: Shape, *, any_length: bool, anew: bool = False
) -> bytes:
    """Return the network as ONNX, from the disk where it was exported before."""
    cache, key = CompiledCache(), cache_key(network, 'onnx', shape, any_length)
    model = None if anew else cache.load(key)
    if model is None:
        model = graph_without_torch(network)  # is on the disk already
    if model is None:
        built = network.build()
        from lsd_ros.inference.onnx_export import onnx_bytes  # loads torch

        model = onnx_bytes(built, shape, any_length=any_length)
        cache.store(key, model)
    return model
