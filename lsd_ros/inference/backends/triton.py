"""Triton: the depth network as kernels of its own, captured on CUDA like that of torch."""

from __future__ import annotations

from lsd_ros.errors import BackendError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.backends.cuda import CudaBackend, OnDevice, kind


class TritonBackend(CudaBackend):
    """
    The depth network in 32 launches; the pose network as torch has it.

    :raises BackendError: there is no usable CUDA device, Triton is not installed or does not
        compile there, or there are no kernels for these weights
    """

    name = 'triton'

    def __init__(self, plan: Plan) -> None:
        with ForeignCode(BackendError, 'Triton cannot run the network'):
            super().__init__(plan)

    def depth_network(self, plan: Plan) -> OnDevice:
        """See :meth:`CudaBackend.depth_network`."""
        try:
            from lsd_ros.inference.kernels.depth_net import KernelDepthNet
        except ImportError as error:
            raise BackendError(
                f"Triton cannot be loaded ({error}): pip install triton, or set backend to 'torch'"
            ) from error
        weights = plan.weights
        return KernelDepthNet(weights.depth, weights.preprocessing, 'cuda', kind(plan))
