"""Torch on the CPU: always there, channels-last, with the rewritten networks."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.rewrite import channels_last, depth_inference, pose_inference


class TorchCpuBackend:
    """Both networks in torch, on as many threads as torch is set to."""

    name = 'torch'
    device = 'cpu'

    def __init__(self, plan: Plan) -> None:
        kind = torch.bfloat16 if plan.half else torch.float32
        self._depth = channels_last(depth_inference(plan.weights).to(kind))
        self._pose = channels_last(pose_inference(plan.weights).to(kind))

    @torch.inference_mode()
    def disparity(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.disparity`."""
        result: NDArray[np.float32] = self._depth(torch.from_numpy(image)[None])[0].numpy()
        return result

    @torch.inference_mode()
    def motions(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :meth:`Backend.motions`."""
        result: NDArray[np.float32] = self._pose(torch.from_numpy(frames)).numpy()
        return result
