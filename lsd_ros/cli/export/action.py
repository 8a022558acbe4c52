"""``lsd_ros export``: a network for another runtime, checked against ours."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lsd_ros import __version__
from lsd_ros.cli.export import numbers_file, output_of
from lsd_ros.cli.printing import say
from lsd_ros.errors import BackendError, SettingError
from lsd_ros.foreign.atomic import write_atomically
from lsd_ros.inference.backends import openvino as openvino_backend
from lsd_ros.inference.backends.base import Shape
from lsd_ros.inference.backends.exported_graphs import graph_key, graphs_bytes, judged_key
from lsd_ros.inference.backends.inference_network import depth_network, pose_network
from lsd_ros.inference.backends.measured_choice import stored_images, torch_says
from lsd_ros.inference.onnx_export import onnx_bytes
from lsd_ros.inference.rewrite import depth_inference, pose_inference
from lsd_ros.models.checkpoint import describe_weights, load_weights
from lsd_ros.models.network_settings import FRAMES, SIZE_MULTIPLE
from lsd_ros.models.weights import Weights

TOLERANCE = 1e-4  # relative to the largest value
CHECKS = 4


@dataclass(frozen=True)
class Parity:
    """
    How far another runtime is from ours.

    :param largest: difference of any value
    :param relative: the same over the largest value of ours
    """

    largest: float
    relative: float


@dataclass(frozen=True)
class Exported:
    """
    A model, not written yet.

    :param runtime: what it is for
    :param files: what is to be written
    :param run: runs it
    """

    runtime: str
    files: dict[Path, bytes]
    run: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    weights = load_weights(given.weights)
    out = output_of(given)
    if given.format == 'graphs':
        write_graphs(weights, out)
        return 0
    size = (
        given.width or weights.preprocessing.width,
        given.height or weights.preprocessing.height,
    )
    if size[0] % SIZE_MULTIPLE or size[1] % SIZE_MULTIPLE:
        raise SettingError(
            f'{size[0]} x {size[1]} cannot be exported: both must be multiples of {SIZE_MULTIPLE}'
        )
    pose = given.network == 'pose'
    network: nn.Module = pose_inference(weights) if pose else depth_inference(weights)
    shape = (FRAMES if pose else 1, size[1], size[0], 3)
    shapes = _some_shapes(shape) if given.dynamic else [shape]
    make = as_openvino if given.format == 'openvino' else as_onnx
    exported = make(network, weights, shape, out, dynamic=given.dynamic)
    parity = checked_parity(network, exported, shapes, out)
    for path, data in exported.files.items():
        write_atomically(path, data)
    megabytes = sum(map(len, exported.files.values())) / 1e6
    sizes = 'any size' if given.dynamic else f'{size[0]} x {size[1]}'
    say(
        f'{out}: {given.network or "depth"} network, {sizes}, {megabytes:.1f} MB\n'
        f'{exported.runtime} differs from torch by {parity.largest:.2g} at most '
        f'({parity.relative:.2g} of the largest value), on {CHECKS} images'
    )
    return 0


def write_graphs(weights: Weights, out: Path) -> None:
    """
    Write both networks, each for any number of images of any size, into one file of graphs.

    :raises BackendError: ONNX or onnxruntime is not installed, or it gives other numbers
    """
    size = weights.preprocessing.width, weights.preprocessing.height
    known, largest = depth_network(weights), 0.0
    graphs: dict[str, bytes] = {}
    for named, images in ((known, 1), (pose_network(weights), FRAMES)):
        network = named.build()
        shape = (images, size[1], size[0], 3)
        exported = as_onnx(network, weights, shape, out, dynamic=True)
        parity = checked_parity(network, exported, _some_shapes(shape), out)
        graphs[graph_key(named)] = exported.files[out]
        largest = max(largest, parity.relative)
    judged = {judged_key(known, size): torch_says(stored_images(*size), weights)}
    data = graphs_bytes(graphs, judged, f'lsd_ros {__version__} of {weights.card.name}')
    write_atomically(out, data)
    say(
        f'{out}: both networks, any size, {len(data) / 1e6:.1f} MB\n'
        f'onnxruntime differs from torch by {largest:.2g} of the largest value at most'
    )


def checked_parity(
    network: nn.Module, exported: Exported, shapes: Sequence[Shape], out: Path
) -> Parity:
    """
    Compare a model with torch; see :func:`measured_parity`.

    :raises BackendError: it gives other numbers
    """
    parity = measured_parity(network, exported.run, shapes)
    if not parity.relative < TOLERANCE:
        raise BackendError(
            f'{exported.runtime} differs from torch by {parity.relative:.2g}, more than '
            f'{TOLERANCE}: {out} is not written'
        )
    return parity


def as_onnx(
    network: nn.Module, weights: Weights, shape: Shape, out: Path, *, dynamic: bool
) -> Exported:
    """
    Make an ONNX model.

    :raises BackendError: ONNX or onnxruntime is not installed
    """
    made = onnx_bytes(network, shape, any_length=dynamic, any_size=dynamic)
    model = with_metadata(made, weights)
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendError(
            f'the parity check needs onnxruntime ({error}): pip install "lsd_ros[onnx]"'
        ) from error
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    return Exported(
        'onnxruntime', {out: model}, lambda image: session.run(None, {'image': image})[0]
    )


def as_openvino(
    network: nn.Module, weights: Weights, shape: Shape, out: Path, *, dynamic: bool
) -> Exported:
    """
    Make an OpenVINO model: its graph, and beside it its numbers.

    :raises BackendError: OpenVINO is not installed
    """
    openvino = openvino_backend.library('--format openvino')
    model = openvino_backend.converted(network, shape, any_shape=dynamic)
    for name, value in describe_weights(weights).items():
        model.set_rt_info(json.dumps(value), ['lsd_ros', name])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, 'model.xml')
        openvino.save_model(model, path, compress_to_fp16=False)
        files = {numbers_file(out): path.with_suffix('.bin').read_bytes()}
        files[out] = path.read_bytes()  # last: whoever finds it finds both
        options = {'INFERENCE_PRECISION_HINT': 'f32'}
        compiled = openvino_backend.the_core().compile_model(path, 'CPU', options)
    return Exported('OpenVINO', files, lambda image: compiled([image])[0])


def with_metadata(model: bytes, weights: Weights) -> bytes:
    """Write into an ONNX model what its numbers mean and where they come from."""
    import onnx

    graph = onnx.load_from_string(model)
    described: dict[str, Any] = describe_weights(weights)
    onnx.helper.set_model_props(
        graph, {f'lsd_ros.{name}': json.dumps(value) for name, value in described.items()}
    )
    return bytes(graph.SerializeToString())


def measured_parity(
    network: nn.Module,
    run: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    shapes: Sequence[Shape],
) -> Parity:
    """
    Run a model in another runtime and compare it with torch.

    :param shapes: of the inputs
    """
    largest, size = 0.0, 0.0
    for image in (image for shape in shapes for image in _images(shape)):
        found = run(image)
        with torch.inference_mode():
            wanted = network(torch.from_numpy(image)).numpy()
        difference = float(np.abs(found - wanted).max())
        if not difference >= 0:  # NaN
            return Parity(float('nan'), float('nan'))
        largest, size = max(largest, difference), max(size, float(np.abs(wanted).max()))
    return Parity(largest, largest / size if size else largest)


def _some_shapes(shape: Shape) -> list[Shape]:
    """Return a shape, and one of more and larger images."""
    return [shape, (2 * shape[0], shape[1] + 32, shape[2] + 64, 3)]


def _images(shape: tuple[int, ...]) -> list[NDArray[np.uint8]]:
    """Return noise, and images as smooth as real ones."""
    rng = np.random.default_rng(0)
    rough = [rng.integers(0, 256, shape, np.uint8) for _ in range(CHECKS // 2)]
    rows = np.linspace(0, 255, shape[1])[None, :, None, None]
    columns = np.linspace(0, 2 * np.pi, shape[2])[None, None, :, None]
    phases = rng.uniform(0, 2 * np.pi, (CHECKS - len(rough), shape[0], 1, 1, 3))
    smooth = [(rows * (1 + np.sin(columns + phase)) / 2).astype(np.uint8) for phase in phases]
    return rough + smooth
