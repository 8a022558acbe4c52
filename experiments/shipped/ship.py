r"""
Make the weights of the package from trainings (docs/model_card.md).

python experiments/shipped/ship.py RUNS OUT [NAME ...]

Without names all of them are made.

Depth and pose network come from different trainings: the one of the pose network alone never
changes nor looks at depth, so that both could go on from the same file at the same time. Where
there are several trainings of the depth network, which all began at the same weights and then saw
different data, the mean of their weights is taken (Wortsman et al., Model soups, ICML 2022), here
with the weights that they began at.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lsd_ros import settings
from lsd_ros.models.checkpoint import load_weights, save_weights
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.models.weights import Weights
from lsd_ros.training.checkpointing import CheckpointFolder
from lsd_ros.training.phase_settings import StudentSettings
from lsd_ros.training.provenance import weights_card
from lsd_ros.training.run_folder import CHECKPOINTS
from lsd_ros.training.self_supervised_task import DEPTH, POSE
from lsd_ros.training.trained_teacher import fill

SHIP = 'python experiments/shipped/ship.py RUNS OUT'
COMMANDS = {
    'street': f'sh experiments/shipped/streets.sh; {SHIP}',
    'indoors': f'sh experiments/shipped/rooms.sh; {SHIP}',
}
STREET = {
    'camera_height_m': 1.65,
    'note': 'for streets; docs/model_card.md has what fails',
    'data': (
        'KITTI odometry 00, 02, 03',
        'KITTI raw 0005, 0015, 0095 and a boulevard',
        'Karlsruhe 2010 0019 stereo',
        'synthetic streets and roads',
    ),
    'licence': 'KITTI / Karlsruhe: CC BY-NC-SA 3.0 (Geiger et al.), non-commercial, attribution, '
    'share-alike; synthetic streets: Apache-2.0; the teacher began at an ImageNet '
    'encoder (Apache-2.0)',
}
ROOMS = {
    'note': 'for rooms and corridors; docs/model_card.md has what fails',
    'data': (
        'NYU Depth v2, 735 labelled images of the training split',
        '7-Scenes redkitchen',
        'TUM RGB-D fr1 rpy',
        '339 sequences of rendered rooms',
    ),
    'licence': '7-Scenes: Microsoft Research licence, non-commercial; NYU Depth v2 (Silberman et '
    'al. 2012): none stated, published for research; TUM RGB-D: CC BY 4.0 (Sturm et al. 2012); '
    'own renderings: Apache-2.0, some with textures of miniworld (Apache-2.0), furniture of '
    'Infinigen (BSD-3-Clause) and HDRIs of HDRI Haven (CC0); the teacher began at an ImageNet '
    'encoder (Apache-2.0)',
}
SHIPPED: dict[str, tuple[tuple[str, ...], str, dict[str, Any]]] = {
    'street': (
        ('streets_taught', 'streets_student', 'streets_roads'),
        'street_before',
        STREET,
    ),
    'indoors': (
        ('rooms_more', 'indoors_before', 'indoors_before'),  # a third and two
        'indoors_rendered',
        ROOMS,
    ),
}


# what a training begins at
STEPS = {
    'streets_mean': (('streets_taught', 'streets_student'), 'street_before', STREET),
    'rooms_stopped': (('rooms_longer',), 'indoors_rendered', ROOMS),
    'indoors_before': (('rooms_now', 'rooms_now/best'), 'indoors_rendered', ROOMS),
    'rooms_three': (('indoors_before', 'rooms_seed0', 'rooms_seed1'), 'indoors_rendered', ROOMS),
}


def main(runs: Path, out: Path, names: list[str]) -> None:
    """Write the sets of weights that are named, in half precision."""
    for name in names:
        depth, pose, said = {**SHIPPED, **STEPS}[name]
        trained = [weights_of(runs / run) for run in (*depth, pose)]
        *depths, other = trained
        data = tuple(dict.fromkeys(n for weights in trained for n in weights.card.data))
        said = {'motion_noise': other.card.motion_noise, 'data': data, **said}
        card = dataclasses.replace(
            depths[0].card, name=name, command=COMMANDS.get(name, SHIP), **said
        )
        both = Weights(
            averaged([weights.depth for weights in depths]),
            other.pose,
            depths[0].preprocessing,
            depths[0].depths,
            card,
        )
        print(name, save_weights(both, out / f'{name}.safetensors', dtype=torch.float16))


def weights_of(run: Path) -> Weights:
    """Return what a training made, or has made until it was stopped, or a file of weights."""
    file = run.with_suffix('.safetensors')
    if file.exists():
        return load_weights(file)
    if (run / 'weights.safetensors').exists():
        return load_weights(run / 'weights.safetensors')
    checkpoint = CheckpointFolder(run / CHECKPOINTS).newest()
    if checkpoint is None:
        raise SystemExit(f'{run} has no checkpoint yet: train it first')
    wanted = settings.build(StudentSettings, checkpoint.card.settings)
    depth, pose = SmallDepthNet(wanted.network), PoseNet(wanted.pose)
    fill(nn.ModuleDict({DEPTH: depth, POSE: pose}), checkpoint)
    card = weights_card(wanted, checkpoint.card, checkpoint.step, 'no teacher')
    return Weights(depth.eval(), pose.eval(), wanted.preprocessing, wanted.input.depths, card)


def averaged(networks: list[SmallDepthNet]) -> SmallDepthNet:
    """Return the mean of networks of one shape, statistics of normalisations too."""
    first = networks[0]
    states = [network.state_dict() for network in networks]
    mean = {
        name: sum(state[name].double() for state in states).div(len(states)).to(tensor.dtype)
        for name, tensor in first.state_dict().items()
    }
    result = SmallDepthNet(first.shape)
    result.load_state_dict(mean)
    return result.eval()


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] or list(SHIPPED))
