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
    """

    device: str
    name: str
    path: str


# the fastest of each device first; docs/measurements.md
BACKENDS = (
    BackendEntry('cuda', 'torch', 'cuda:CudaBackend'),
    BackendEntry('cpu', 'openvino', 'openvino:OpenVinoBackend'),
    BackendEntry('cpu', 'onnxruntime', 'onnxruntime:OnnxRuntimeBackend'),
    BackendEntry('cpu', 'torch', 'torch_cpu:TorchCpuBackend'),
)
CPU_BACKENDS = tuple(entry.name for entry in BACKENDS if entry.device == 'cpu')
CUDA_BACKENDS = tuple(entry.name for entry in BACKENDS if entry.device == 'cuda')
