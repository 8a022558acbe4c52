"""OpenVINO on the CPU: the fastest backend there, and one whose threads do not spin."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.rewrite import depth_inference, pose_inference


class OpenVinoBackend:
    """
    Both networks compiled by OpenVINO.

    :raises BackendError: OpenVINO is not installed or does not take the network
    """

    name = 'openvino'
    device = 'cpu'

    def __init__(self, plan: Plan) -> None:
        self._depth = _compiled(depth_inference(plan.weights), plan.image_shape, plan)
        self._pose = _compiled(pose_inference(plan.weights), plan.frames_shape, plan)

    def disparity(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.disparity`."""
        result: NDArray[np.float32] = _infer(self._depth, image[None])[0]
        return result

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.motions`."""
        return _infer(self._pose, frames)


def _compiled(network: nn.Module, shape: tuple[int, ...], plan: Plan) -> Any:
    try:
        import openvino
    except ImportError as error:
        raise BackendError(
            f'backend openvino cannot be loaded ({error}): pip install "lsd_ros[openvino]"'
        ) from error
    example = torch.zeros(shape, dtype=torch.uint8)
    options = {
        'PERFORMANCE_HINT': 'LATENCY',
        'INFERENCE_NUM_THREADS': plan.threads,
        # left to itself it takes bfloat16 where the processor has it
        'INFERENCE_PRECISION_HINT': 'bf16' if plan.half else 'f32',
    }
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter('ignore')  # tracing turns the shape checks into constants
            # frozen, since OpenVINO does not find submodules whose names are numbers
            traced = torch.jit.freeze(
                torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
            )
            model = openvino.convert_model(traced, example_input=example)
        return _core().compile_model(model, 'CPU', options).create_infer_request()
    except RuntimeError as error:
        raise BackendError(f'OpenVINO cannot compile the network: {error}') from error


@functools.cache
def _core() -> Any:
    """
    Return the one core of this process, which is never let go.

    With its last core OpenVINO frees the stack that it had set for signal handlers, and leaves it
    set: the next signal, Ctrl-C for example, would end the process with a segmentation fault.
    """
    import openvino

    return openvino.Core()


def _infer(request: Any, data: NDArray[np.uint8]) -> NDArray[np.float32]:
    request.infer([data], share_inputs=True)
    result: NDArray[np.float32] = request.get_output_tensor(0).data
    return result
