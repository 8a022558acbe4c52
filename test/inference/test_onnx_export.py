"""What NVIDIA documents of the ONNX parser of TensorRT, checked without TensorRT."""

import numpy as np
import pytest
import torch

from lsd_ros.inference.onnx_export import OPSET, onnx_bytes
from lsd_ros.inference.rewrite import depth_inference, pose_inference
from lsd_ros.models.checkpoint import untrained_weights
from lsd_ros.models.network_settings import FRAMES

onnx = pytest.importorskip('onnx')
# operators.md of onnx-tensorrt: only these of what our networks may export to
SUPPORTED = {
    'Add', 'Cast', 'Concat', 'Constant', 'Conv', 'DepthToSpace', 'Exp', 'Gather', 'HardSwish',
    'Identity', 'Mul', 'ReduceMean', 'Reshape', 'Resize', 'Shape', 'Sigmoid', 'Slice', 'Squeeze',
    'Sub', 'Transpose', 'Unsqueeze',
}  # fmt: skip
NETWORKS = {'depth': (depth_inference, 1), 'pose': (pose_inference, FRAMES)}


@pytest.fixture(scope='module', params=[(n, d) for n in NETWORKS for d in (False, True)])
def graph(request):
    name, dynamic = request.param
    make, images = NETWORKS[name]
    shape = (images, 64, 96, 3)
    model = onnx.load_from_string(
        onnx_bytes(make(untrained_weights()), shape, any_length=dynamic, any_size=dynamic)
    )
    assert model.opset_import[0].version == OPSET
    return model.graph


def test_there_are_only_operators_that_tensorrt_knows(graph):
    assert {node.op_type for node in graph.node} <= SUPPORTED


def test_bytes_are_cast_before_anything_else(graph):
    first = [node.op_type for node in graph.node if 'image' in node.input]
    assert first == ['Cast']


def test_there_is_no_double_and_nothing_that_half_precision_cannot_hold(graph):
    values = [onnx.numpy_helper.to_array(each) for each in graph.initializer]
    values += [
        onnx.numpy_helper.to_array(node.attribute[0].t)
        for node in graph.node
        if node.op_type == 'Constant'
    ]
    floats = [value for value in values if value.dtype.kind == 'f']
    assert floats
    assert {value.dtype for value in floats} == {np.dtype(np.float32)}
    assert max(np.abs(value).max() for value in floats) < np.finfo(np.float16).max


@torch.inference_mode()
def test_half_precision_overflows_nowhere():
    network = depth_inference(untrained_weights())
    images = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    wanted = network(images)
    found = network.half()(images)
    torch.testing.assert_close(found, wanted, rtol=1e-2, atol=1e-3)
