"""The rewritten networks as ONNX."""

from __future__ import annotations

import io
import warnings

import torch
from torch import nn

from lsd_ros.errors import BackendError

OPSET = 17


def onnx_bytes(network: nn.Module, shape: tuple[int, ...], *, any_length: bool = False) -> bytes:
    """
    Turn an inference network into an ONNX model.

    :param network: takes one uint8 tensor, gives one float32 tensor
    :param shape: of the input
    :param any_length: take inputs of any length, and not of ``shape[0]`` only
    :return: the serialised model, with the input ``image`` and the output ``result``
    :raises BackendError: ONNX is not installed
    """
    example = torch.zeros(shape, dtype=torch.uint8)
    target = io.BytesIO()
    lengths = {name: {0: 'length'} for name in ('image', 'result')}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # tracing turns the shape checks into constants
            torch.onnx.export(
                network,
                (example,),
                target,  # type: ignore[arg-type]  # a buffer is fine without dynamo
                input_names=['image'],
                output_names=['result'],
                dynamic_axes=lengths if any_length else None,
                opset_version=OPSET,
                dynamo=False,  # the other exporter needs onnxscript and is slower to start
            )
    except ImportError as error:
        raise BackendError(
            f'ONNX export needs onnx ({error}): pip install "lsd_ros[onnx]"'
        ) from error
    return target.getvalue()
