"""ONNX Runtime on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lsd_ros.errors import BackendError
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.onnx_export import onnx_bytes
from lsd_ros.inference.rewrite import depth_inference, pose_inference


class OnnxRuntimeBackend:
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
        self._depth = _session(depth_inference(plan.weights), plan.image_shape, plan)
        self._pose = _session(pose_inference(plan.weights), plan.frames_shape, plan)

    def disparity(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.disparity`."""
        result: NDArray[np.float32] = self._depth.run(None, {'image': image[None]})[0][0]
        return result

    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.motions`."""
        result: NDArray[np.float32] = self._pose.run(None, {'image': frames})[0]
        return result


def _session(network: nn.Module, shape: tuple[int, ...], plan: Plan) -> Any:
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
    model = onnx_bytes(network, shape)
    return onnxruntime.InferenceSession(model, options, providers=['CPUExecutionProvider'])
