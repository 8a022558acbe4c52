r"""
What is a student worth beside a network seven times its size? A Monodepth2-style yardstick.

    python experiments/yardstick.py train --data DATA/train/* --out RUN \
        [--config config/student.yaml] [--set loop.max_steps=20000 ...]
    python experiments/yardstick.py evaluate RUN --data DATA/val/* --json scores.json
    python experiments/yardstick.py latency [--weights weights.safetensors]

``train`` takes the configuration and the settings of ``lsd_ros train student``, so that the data,
their augmentation, the input, the steps, the optimiser and the seed are the same; what only a
student has is named and left out. The same call again goes on where it was stopped. The losses are
those of Godard et al. 2019: ``objective.ssim`` and ``objective.smoothness`` are their weights, and
the rest of ``objective`` is what the paper does; ``start_from`` is the folder of another training
of the yardstick. Its learning rate is 1e-4 in the paper; at 1e-3 its coarse disparities, with no
normalisation before them, fall to 0 within a hundred steps, and the training stops. ``evaluate``
writes what ``lsd_ros evaluate`` writes, and ``latency`` times both depth networks in turns.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import logging
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from yardstick_networks import SCALES, DepthShape, YardstickDepth, YardstickPose

from lsd_ros import config, settings
from lsd_ros.cli.evaluate.action import EVERY_DEPTH, evaluate, report
from lsd_ros.cli.evaluate.scoring import Protocol
from lsd_ros.cli.evaluate.teacher_engine import TeacherEngine
from lsd_ros.cli.logs import logs
from lsd_ros.cli.progress import progress
from lsd_ros.cli.shared_options import add_settings_options, at_least
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.errors import BackendError, LsdError, TrainingError
from lsd_ros.foreign.atomic import atomic_folder, write_atomically
from lsd_ros.geometry.depth import depth_from_disparity
from lsd_ros.geometry.warp import correspondences, sample
from lsd_ros.inference.backends import openvino
from lsd_ros.inference.backends.base import Plan
from lsd_ros.inference.backends.inference_network import InferenceNetwork
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.rewrite import channels_last, depth_inference
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.checkpoint import load_weights, untrained_weights
from lsd_ros.models.normalise import Normalise
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.preprocessing import Preprocessing
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.training import phases
from lsd_ros.training.checkpointing import CheckpointFolder
from lsd_ros.training.frame_triplet import FRAMES, PAIRS, SOURCES, TARGET, Views
from lsd_ros.training.losses import smoothness
from lsd_ros.training.objective import Outcome
from lsd_ros.training.phase_settings import PhaseSettings, StudentSettings, TeacherSettings
from lsd_ros.training.photometric import Reference, photometric_error, stacked
from lsd_ros.training.provenance import run_card
from lsd_ros.training.random_states import seed_everything
from lsd_ros.training.run_folder import CHECKPOINTS, read_run_card
from lsd_ros.training.self_supervised_task import DEPTH, POSE, SelfSupervisedTask
from lsd_ros.training.trained_teacher import Taught, fill
from lsd_ros.training.trainer import leave_fabric, make_fabric

KIND = 'yardstick'
TIE = 1e-5  # noise on the error without motion: where nothing moves, the two are the same
# what the paper does, in the words of our settings; depth of the target alone is looked at
PAPER: dict[str, Any] = {
    'objective.bidirectional': False,
    'objective.occlusion': False,
    'objective.motion': False,
    'objective.structure': 0.0,
    'objective.feature': 0.0,
    'objective.selection': 'minimum',
    'objective.auto_mask': True,
}
STUDENTS_OWN = ('objective.scales', 'objective.feature_stage', 'pose.widths')
LOGGER = logging.getLogger('lsd_ros.yardstick')


@dataclasses.dataclass(frozen=True)
class YardstickSettings(PhaseSettings):
    """What the yardstick can be told."""

    network: DepthShape = dataclasses.field(default_factory=DepthShape)


class YardstickTask(SelfSupervisedTask):
    """
    Both networks with the losses of the paper.

    What they look at, known motions and the lengths of motions are as for a student.
    """

    def __init__(
        self, depth: YardstickDepth, pose: YardstickPose, wanted: YardstickSettings
    ) -> None:
        # a task asks of its networks only what these have, too
        super().__init__(cast(SmallDepthNet, depth), cast(PoseNet, pose), wanted)
        self._free_heads(SCALES)

    def _explain(self, views: Views) -> Outcome:
        with torch.autocast(views.images.device.type, enabled=False):
            return minimum_reprojection(views, self._wanted)


def minimum_reprojection(views: Views, wanted: PhaseSettings) -> Outcome:
    """
    Return mu L_p + lambda L_s, averaged over pixels, scales and batch.

    L_p is the lower error of both sources at full resolution; mu is 0 where an unmoved source is
    as good. Such a pixel counts with the error of that source, which has no gradient: so the loss
    falls as more pixels are explained. Pixels out of a source take its border, as in the paper.
    """
    how, target = wanted.objective, views.images.chunk(FRAMES)[TARGET]
    images = stacked(views.images, SOURCES[:PAIRS], FRAMES)
    reference = Reference.of(target).stacked((0,) * PAIRS, 1)
    pose = views.source_from_target.transpose(0, 1).flatten(0, 1)
    intrinsics = views.intrinsics.repeat(PAIRS, 1, 1)
    with torch.no_grad():
        standing = _lower(photometric_error(images, reference, how.ssim))
    terms, maps = [], dict[str, Tensor]()
    for disparity in views.disparities:
        full = functional.interpolate(
            disparity, size=target.shape[2:], mode='bilinear', align_corners=False
        )
        depth = depth_from_disparity(full, wanted.input.depths).repeat(PAIRS, 1, 1, 1)
        pixels, _ = correspondences(depth, pose, intrinsics, intrinsics)
        warped, _ = sample(images, pixels)
        error = _lower(photometric_error(warped, reference, how.ssim))
        still = standing + TIE * torch.randn_like(standing)
        terms.append(torch.minimum(error, still).mean())
        maps = maps or {'warped': warped, 'error': error, 'weight': (error < still).float()}
    parts = {
        'photometric': torch.stack(terms).mean(),
        'smoothness': how.smoothness * _smoothness(views, target),
    }
    return Outcome(
        torch.stack(list(parts.values())).sum(),
        {name: part.detach() for name, part in parts.items()},
        {name: picture[: views.batch].detach() for name, picture in maps.items()},
    )


def _lower(error: Tensor) -> Tensor:
    """Return the error of the better source, shape (B, 1, H, W)."""
    return torch.minimum(*error.chunk(PAIRS))


def _smoothness(views: Views, image: Tensor) -> Tensor:
    terms = []
    for j, disparity in enumerate(views.disparities):
        terms.append(smoothness(disparity, image).mean() / (1 << j))
        image = functional.avg_pool2d(image, 2)
    return torch.stack(terms).mean()


def chosen_settings(given: argparse.Namespace) -> YardstickSettings:
    """
    Gather the settings of a call as ``lsd_ros train student`` does.

    :raises SettingError: a setting is one of neither network, or not allowed
    """
    values: dict[str, Any] = {}
    if given.config is not None:
        values = config.given(given.config.read_text(encoding='utf-8'), StudentSettings)
    if given.max_steps is not None:
        values['loop.max_steps'] = given.max_steps
    values |= config.given('\n'.join(given.set), StudentSettings)
    own = {leaf.name for leaf in settings.leaves(YardstickSettings)} - {*PAPER, *STUDENTS_OWN}
    foreign = {leaf.name for leaf in settings.leaves(StudentSettings)} - own
    unused = sorted(name for name in values if name in foreign and values[name] != PAPER.get(name))
    if unused:
        LOGGER.info('the yardstick has no use for %s', ', '.join(unused))
    used = {name: value for name, value in values.items() if name not in foreign}
    return settings.build(YardstickSettings, {**used, **PAPER})


def networks_of(wanted: YardstickSettings) -> tuple[YardstickDepth, YardstickPose]:
    """Make both networks, untrained."""
    return YardstickDepth(wanted.network), YardstickPose(wanted.pose.output_scale)


def train(given: argparse.Namespace) -> None:
    """Train, or go on."""
    wanted = chosen_settings(given)
    data = open_sequences(given.data)
    command = shlex.join(['python', *sys.argv])
    fabric = make_fabric(wanted.loop)
    # the very samples and the very loop of a student
    samples = phases.samples_of(wanted, data)
    seed_everything(wanted.loop.seed)
    depth, pose = networks_of(wanted)
    if wanted.start_from:
        started = read_yardstick(Path(wanted.start_from))
        depth.load_state_dict(started.network.state_dict())
        pose.load_state_dict(started.pose.state_dict())
    task = YardstickTask(depth, pose, wanted)
    card = run_card(KIND, wanted, data, command)
    trainer = phases.run_phase(
        fabric, task, samples, wanted, card, given.out, given.overwrite, _progress
    )
    leave_fabric(fabric)
    print(f'{KIND} of {trainer.step} steps: {given.out}')


def _progress(done: int, steps: int) -> contextlib.AbstractContextManager[Callable[[], object]]:
    return progress('train', steps, 'step', done=done)


def read_yardstick(run: Path) -> Taught:
    """
    Read the newest whole checkpoint of a training: the averaged networks.

    :raises TrainingError: it trains something else, or has no whole checkpoint
    """
    card = read_run_card(run)
    checkpoint = CheckpointFolder(run / CHECKPOINTS).newest()
    if card.kind != KIND or checkpoint is None:
        raise TrainingError(f'{run} trains a {card.kind} or has no checkpoint: train a {KIND}')
    wanted = settings.build(YardstickSettings, checkpoint.card.settings)
    depth, pose = networks_of(wanted)
    networks = nn.ModuleDict({DEPTH: depth, POSE: pose})
    fill(networks, checkpoint)
    networks.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    # an engine asks of what it runs only what these have, too
    return Taught(
        cast(BridgedTeacher, depth),
        cast(PoseNet, pose),
        cast(TeacherSettings, wanted),
        checkpoint.sha256,
        checkpoint.step,
    )


def judge(given: argparse.Namespace) -> None:
    """Score a training as ``lsd_ros evaluate`` does."""
    wanted = settings.build(EngineSettings, EVERY_DEPTH)
    engine = TeacherEngine(given.run, wanted, read_yardstick)
    name = engine.info.name.replace('teacher', KIND)
    engine.info = dataclasses.replace(engine.info, name=name)
    sequences = open_sequences(given.data)
    with contextlib.ExitStack() as stack:
        shown = given.pictures and stack.enter_context(atomic_folder(given.pictures))
        scores = evaluate(engine, sequences, Protocol(), shown)
    if given.json is not None:
        write_atomically(given.json, json.dumps(scores, indent=2).encode() + b'\n')
    print('\n'.join(report(scores, engine.info)))


class YardstickInference(nn.Module):
    """From bytes to disparity, as our own network runs it."""

    def __init__(self, network: YardstickDepth, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.normalise, self.network = Normalise(preprocessing), network

    def forward(self, image: Tensor) -> Tensor:
        """
        Estimate disparity.

        :param image: RGB in 0 .. 255, shape (B, H, W, 3), uint8
        :return: shape (B, 1, H, W)
        """
        disparity: Tensor = self.network(self.normalise(image))[0]
        return disparity


def latency(given: argparse.Namespace) -> None:
    """Time both depth networks in turns."""
    weights = load_weights(given.weights) if given.weights else untrained_weights()
    plan = Plan(weights, given.width, given.height, given.threads, half=False)
    theirs = YardstickDepth()
    networks: dict[str, nn.Module] = {
        'student': depth_inference(weights),
        KIND: YardstickInference(theirs, weights.preprocessing).eval(),
    }
    parameters = {'student': _count(weights.depth), KIND: _count(theirs)}
    image = np.random.default_rng(0).integers(0, 256, plan.image_shapes[0], np.uint8)
    backend, ready = _compiled(networks, plan)
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(given.rounds):
        for name, run in ready.items():
            began = time.perf_counter()
            run(image)
            seconds[name].append(time.perf_counter() - began)
    print(f'{given.width} x {given.height}, {backend}, threads: {given.threads}')
    for name, taken in seconds.items():
        print(f'{name}: {parameters[name] / 1e6:.2f} M parameters, {1e3 * median(taken):.2f} ms')


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


Run = Callable[[NDArray[np.uint8]], object]


def _compiled(networks: dict[str, nn.Module], plan: Plan) -> tuple[str, dict[str, Run]]:
    """Return what runs the networks, and each of them: OpenVINO where it is, as in the engine."""
    try:
        shapes = plan.image_shapes
        ready = {
            name: openvino.runner(InferenceNetwork.of(n), shapes, plan)
            for name, n in networks.items()
        }
    except BackendError:
        torch.set_num_threads(plan.threads)
        return 'torch', {name: _frozen(network, plan) for name, network in networks.items()}
    return 'openvino', dict(ready)


def _frozen(network: nn.Module, plan: Plan) -> Run:
    example = torch.zeros(plan.image_shapes[0], dtype=torch.uint8)
    with torch.inference_mode():
        # freezing folds the normalisations into the convolutions
        laid_out = channels_last(network)
        traced = torch.jit.freeze(torch.jit.trace(laid_out, example))  # type: ignore[no-untyped-call]

    def run(image: NDArray[np.uint8]) -> object:
        with torch.inference_mode():
            return traced(torch.from_numpy(image))

    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest='verb', required=True)
    training = verbs.add_parser('train')
    training.add_argument('--out', type=Path, required=True, help='folder of the training')
    training.add_argument('--max-steps', type=at_least(1), help='loop.max_steps')
    training.add_argument('--overwrite', action='store_true', help='remove what is in OUT')
    add_settings_options(training)
    judging = verbs.add_parser('evaluate')
    judging.add_argument('run', type=Path, help='folder of the training')
    judging.add_argument('--json', type=Path, help='also write everything as JSON')
    judging.add_argument('--pictures', type=Path, help='folder for pictures of some images')
    for verb in (training, judging):
        verb.add_argument('--data', type=Path, nargs='+', required=True, help='sequences')
    timing = verbs.add_parser('latency')
    timing.add_argument('--weights', type=Path, help="the student's; default: untrained ones")
    for name, default in (('width', 416), ('height', 128), ('threads', 1), ('rounds', 100)):
        timing.add_argument(f'--{name}', type=at_least(1), default=default)
    return parser


def main(words: Iterable[str] | None = None) -> int:
    """Do what the command line says."""
    given = _parser().parse_args(None if words is None else list(words))
    verbs = {'train': train, 'evaluate': judge, 'latency': latency}
    try:
        with logs(verbose=1 if given.verb == 'train' else 0):
            verbs[given.verb](given)
    except LsdError as error:
        print(f'{given.verb}: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
