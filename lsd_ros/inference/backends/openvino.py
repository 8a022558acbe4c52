"""OpenVINO on the CPU: the fastest backend there, and one whose threads do not spin."""

from __future__ import annotations

import functools
import io
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.base import Network, NetworkPair, Plan, Shape
from lsd_ros.inference.backends.compiled_cache import CompiledCache, cache_key
from lsd_ros.inference.backends.exported_graphs import graph_without_torch, reading_graph
from lsd_ros.inference.backends.inference_network import (
    InferenceNetwork,
    depth_network,
    pose_network,
)

if TYPE_CHECKING:
    from torch import nn

LOGGER = logging.getLogger(__name__)


class OpenVinoBackend(NetworkPair):
    """
    Both networks compiled by OpenVINO.

    :raises BackendError: OpenVINO is not installed or does not take the network
    """

    name = 'openvino'
    device = 'cpu'

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            runner(depth_network(plan.weights), plan.image_shapes, plan),
            runner(pose_network(plan.weights), plan.frames_shapes, plan),
            half=plan.half,
        )


def runner(network: InferenceNetwork, shapes: Sequence[Shape], plan: Plan) -> Network:
    """
    Compile a network for every length: compiled for a range of them it is 15 % slower.

    :param network: takes one tensor of bytes
    :param shapes: of that tensor, of different lengths
    :param plan: threads and precision
    :raises BackendError: OpenVINO is not installed or does not take the network
    """
    openvino = library()
    requests = {shape[0]: _compiled(network, shape, plan) for shape in shapes}

    def run(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        request = requests[len(images)]
        # arrays it would look at and copy, which takes three times as long
        given = openvino.Tensor(images, shared_memory=True)
        result: NDArray[np.float32] = request.infer(given, share_outputs=True)[0]
        return result

    return run


def _compiled(network: InferenceNetwork, shape: Shape, plan: Plan) -> Any:
    openvino = library()
    options = {
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_NUM_THREADS': plan.threads,
        # left to itself it takes bfloat16 where the processor has it
        'INFERENCE_PRECISION_HINT': 'bf16' if plan.half else 'f32',
    }
    core, cache = the_core(), CompiledCache()
    try:
        processor = core.get_property('CPU', 'FULL_DEVICE_NAME')
        runtime = (openvino.__version__, processor, shape, sorted(options.items()))
        key = cache_key(network, *runtime)
        compiled = _loaded(core, cache.load(key), options)
        if compiled is None:
            compiled = core.compile_model(_model(network, shape), 'CPU', options)
            cache.store(key, compiled.export_model().getvalue())
        return compiled.create_infer_request()
    except RuntimeError as error:
        raise BackendError(f'OpenVINO cannot compile the network: {error}') from error


def library(wanted: str = 'backend openvino') -> Any:
    """
    Import OpenVINO, without the telemetry of its converter.

    That would fork this process, with all its threads, to tell Google Analytics of every network.
    Where its package is not found, the converter has an empty one of its own.

    :param wanted: what cannot be had without it
    :raises BackendError: it is not installed
    """
    modules: dict[str, Any] = sys.modules
    modules.setdefault('openvino_telemetry', None)
    try:
        import openvino
    except ImportError as error:
        raise BackendError(
            f'{wanted} cannot be loaded ({error}): pip install "lsd_ros[openvino]"'
        ) from error
    return openvino


def _loaded(core: Any, stored: bytes | None, options: dict[str, Any]) -> Any:
    """Return a network that was compiled before; None where there is none that fits."""
    if stored is None:
        return None
    try:
        return core.import_model(io.BytesIO(stored), 'CPU', options)
    except RuntimeError as error:
        LOGGER.info('the network is compiled anew: %s', error)
        return None


def _model(network: InferenceNetwork, shape: Shape) -> Any:
    """Return what is to be compiled: of the graph beside the weights where there is no torch."""
    graph = graph_without_torch(network)
    if graph is None:
        return converted(network.build(), shape)
    with reading_graph(network):
        model = the_core().read_model(io.BytesIO(graph))
        model.reshape(list(shape))
        return model


def converted(network: nn.Module, shape: Shape, *, any_shape: bool = False) -> Any:
    """
    Turn an inference network into an OpenVINO model.

    :param network: takes one uint8 tensor, gives one float32 tensor
    :param shape: of the input
    :param any_shape: take inputs of any length, height and width
    """
    import torch

    example = torch.zeros(shape, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter('ignore')  # tracing turns the shape checks into constants
        # frozen, since OpenVINO does not find submodules whose names are numbers
        traced = torch.jit.freeze(
            torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        )
        model = library().convert_model(traced, example_input=example)
    # conversion leaves every side open, and what is open is 10 to 15 % slower
    model.reshape([-1, -1, -1, 3] if any_shape else list(shape))
    return model


@functools.cache
def the_core() -> Any:
    """
    Return the one core of this process, which is never let go.

    With its last core OpenVINO frees the stack that it had set for signal handlers, and leaves it
    set: the next signal, Ctrl-C for example, would end the process with a segmentation fault.
    """
    return library().Core()
