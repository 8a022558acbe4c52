"""CUDA: half precision, channels-last, one captured graph a network, pinned copies inside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lsd_ros.errors import BackendError, DeviceMemoryError
from lsd_ros.inference.backends.base import Network, NetworkPair, Plan, Shape
from lsd_ros.inference.rewrite import channels_last, depth_inference, pose_inference

LOGGER = logging.getLogger(__name__)
WARM_UP_RUNS = 3
OnDevice = Callable[[Tensor], Tensor]


class CudaBackend(NetworkPair):
    """
    Both networks on the first CUDA device.

    :raises BackendError: there is no usable CUDA device, or its memory is full
    """

    name = 'torch'

    def __init__(self, plan: Plan) -> None:
        if not torch.cuda.is_available():
            raise BackendError(
                'torch sees no CUDA device: install a driver and a CUDA build of torch, or set '
                "device to 'cpu'"
            )
        torch.backends.cudnn.benchmark = True  # shapes stay the same: let it try what is fastest
        try:
            super().__init__(
                _captured(self.depth_network(plan), plan.image_shapes),
                _captured(
                    channels_last(pose_inference(plan.weights).to('cuda', kind(plan))),
                    plan.frames_shapes,
                ),
                half=plan.half,
            )
        except RuntimeError as error:
            raise _translated(error, 'CUDA cannot run the network') from error
        self.device = f'cuda ({torch.cuda.get_device_name()})'

    def depth_network(self, plan: Plan) -> OnDevice:
        """Return the depth network on the device, from bytes to disparity."""
        return channels_last(depth_inference(plan.weights).to('cuda', kind(plan)))


def kind(plan: Plan) -> torch.dtype:
    """Return the numbers that a plan computes with."""
    return torch.float16 if plan.half else torch.float32


def _captured(network: OnDevice, shapes: Sequence[Shape]) -> Network:
    """Capture a graph for every length now: on the road it would stop the images."""
    by_length = {shape[0]: CudaNetwork(network, shape) for shape in shapes}
    return lambda images: by_length[len(images)](images)


class CudaNetwork:
    """
    One network on CUDA behind pinned buffers.

    Copy in, network and copy out are one captured graph, so that a call costs one launch; where
    capturing fails, the same three steps run one by one, and the reason is logged.
    """

    def __init__(self, network: OnDevice, shape: Shape) -> None:
        self._network = network
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pinned_in = torch.zeros(shape, dtype=torch.uint8).pin_memory()
        self._device_in = self._pinned_in.cuda()
        # the copy went through another stream
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            for _ in range(WARM_UP_RUNS):  # lets cuDNN choose before anything is captured
                output = self._network(self._device_in)
        self._stream.synchronize()
        self._pinned_out = torch.empty(output.shape, dtype=torch.float32).pin_memory()
        self._graph = self._captured()

    def _captured(self) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        try:
            # what other threads do on the card meanwhile is none of this capture's business
            with (
                torch.inference_mode(),
                torch.cuda.graph(graph, stream=self._stream, capture_error_mode='thread_local'),
            ):
                self._steps()
        except RuntimeError as error:
            LOGGER.warning('CUDA graph not captured, running step by step: %s', _first_line(error))
            return None
        return graph

    def _steps(self) -> None:
        self._device_in.copy_(self._pinned_in, non_blocking=True)
        result: Tensor = self._network(self._device_in)
        self._pinned_out.copy_(result, non_blocking=True)

    def __call__(self, data: NDArray[np.uint8]) -> NDArray[np.float32]:
        """
        Run the network.

        :param data: of the planned shape
        :return: the network's output, valid until the next call
        :raises DeviceMemoryError: the memory of the device is full
        :raises BackendError: the device failed otherwise
        """
        self._pinned_in.copy_(torch.from_numpy(data))
        try:
            with torch.inference_mode(), torch.cuda.stream(self._stream):
                if self._graph is None:
                    self._steps()
                else:
                    self._graph.replay()
            self._stream.synchronize()
        except RuntimeError as error:
            raise _translated(error, 'CUDA failed while running') from error
        result: NDArray[np.float32] = self._pinned_out.numpy()
        return result


def _translated(error: RuntimeError, what: str) -> BackendError:
    """Tell full memory, which torch and CUDA report in several ways, from other failures."""
    sentence = f'{what}: {_first_line(error)}'
    if 'out of memory' not in str(error).lower():
        return BackendError(sentence)
    return DeviceMemoryError(
        f"{sentence}: end other programs on the card, or set device to 'auto' or 'cpu'"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().split('\n', maxsplit=1)[0]
