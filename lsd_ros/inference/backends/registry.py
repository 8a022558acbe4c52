"""
Every backend, in one table: a new one is a row here and a class behind ``Backend``.

Nothing heavy is imported: settings and parsers take the names from here.
"""

from __future__ import annotations

from typing import NamedTuple


class BackendEntry(NamedTuple):
    """
    A backend.

    :param device: ``cpu`` or ``cuda``
    :param name: as ``backend`` chooses it; its library has the same name
    :param path: module of this package and class
    :param half: whether it can compute in half precision
    """

    device: str
    name: str
    path: str
    half: bool


# of each device the one first that most trust is put in: what is open is measured
BACKENDS = (
    BackendEntry('cuda', 'torch', 'cuda:CudaBackend', half=True),
    BackendEntry('cuda', 'triton', 'triton:TritonBackend', half=True),
    BackendEntry('cpu', 'openvino', 'openvino:OpenVinoBackend', half=True),
    BackendEntry('cpu', 'onnxruntime', 'onnxruntime:OnnxRuntimeBackend', half=False),
    BackendEntry('cpu', 'torch', 'torch_cpu:TorchCpuBackend', half=True),
)
CPU_BACKENDS = tuple(entry.name for entry in BACKENDS if entry.device == 'cpu')
CUDA_BACKENDS = tuple(entry.name for entry in BACKENDS if entry.device == 'cuda')
ONLY_CUDA_BACKENDS = tuple(name for name in CUDA_BACKENDS if name not in CPU_BACKENDS)
