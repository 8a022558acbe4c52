"""The rewritten networks as ONNX."""

from __future__ import annotations

import io
import warnings

import torch
from torch import nn

from lsd_ros.errors import BackendError

OPSET = 17


def onnx_bytes(
    network: nn.Module,
    shape: tuple[int, ...],
    *,
    any_length: bool = False,
    any_size: bool = False,
) -> bytes:
    """
    Turn an inference network into an ONNX model.

    :param network: takes one uint8 tensor, gives one float32 tensor
    :param shape: of the input
    :param any_length: take inputs of any length, and not of ``shape[0]`` only
    :param any_size: take images of any height and width that are multiples of 32
    :return: the serialised model, with the input ``image`` and the output ``result``
    :raises BackendError: ONNX is not installed
    """
    example = torch.zeros(shape, dtype=torch.uint8)
    target = io.BytesIO()
    open_sides = {0: 'length'} if any_length else {}
    axes = {'image': open_sides | ({1: 'height', 2: 'width'} if any_size else {})}
    if any_length:
        axes['result'] = open_sides
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # tracing turns the shape checks into constants
            torch.onnx.export(
                network,
                (example,),
                target,  # type: ignore[arg-type]  # a buffer is fine without dynamo
                input_names=['image'],
                output_names=['result'],
                dynamic_axes=axes if any_length or any_size else None,
                opset_version=OPSET,
                dynamo=False,  # the other exporter needs onnxscript and is slower to start
            )
    except ImportError as error:
        raise BackendError(
            f'ONNX export needs onnx ({error}): pip install "lsd_ros[onnx]"'
        ) from error
    return target.getvalue()
