"""ONNX Runtime on the CPU."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import BackendError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.inference.backends.base import Network, NetworkPair, Plan, Shape
from lsd_ros.inference.backends.compiled_cache import CompiledCache, cache_key
from lsd_ros.inference.backends.exported_graphs import graph_without_torch, reading_graph
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
    opened = functools.partial(
        onnxruntime.InferenceSession, sess_options=options, providers=['CPUExecutionProvider']
    )
    cache, key = CompiledCache(), cache_key(network, 'onnx', shape, plan.batch > 1)
    stored = cache.load(key)
    if stored is not None:
        try:
            with ForeignCode(BackendError, 'ONNX Runtime cannot load the network of the cache'):
                return opened(stored)
        except BackendError as error:
            LOGGER.warning('%s: it is exported anew', error)
    graph = graph_without_torch(network)
    if graph is not None:
        with reading_graph(network):
            return opened(graph)
    model = _exported(network, shape, any_length=plan.batch > 1)
    cache.store(key, model)
    with ForeignCode(BackendError, 'ONNX Runtime cannot load the network'):
        return opened(model)


def _exported(network: InferenceNetwork, shape: Shape, *, any_length: bool) -> bytes:
    built = network.build()
    from lsd_ros.inference.onnx_export import onnx_bytes  # loads torch

    return onnx_bytes(built, shape, any_length=any_length)
