r"""
Make the weights of the package from trainings (docs/model_card.md).

python docs/experiments/shipped/ship.py RUNS OUT [NAME ...]

Depth and pose network come from two trainings: the one of the pose network alone never changes nor
looks at depth, so that both could go on from the same file at the same time.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import torch

from lsd_ros.models.checkpoint import load_weights, save_weights

COMMAND = 'sh docs/experiments/shipped/train.sh; python docs/experiments/shipped/ship.py RUNS OUT'
SHIPPED: dict[str, tuple[str, str, dict[str, Any]]] = {
    'street': (
        'street_vans',
        'street_speeds',
        {'camera_height_m': 1.65, 'note': 'for streets; docs/model_card.md has what fails'},
    ),
    'indoors': (
        'indoors_open',
        'indoors_turns3',
        {'note': 'for rooms and corridors; docs/model_card.md has what fails'},
    ),
}


def main(runs: Path, out: Path, names: list[str]) -> None:
    """Write the sets of weights that are named, or all, in half precision."""
    for name in names or SHIPPED:
        depth, pose, said = SHIPPED[name]
        weights = load_weights(runs / depth / 'weights.safetensors')
        other = load_weights(runs / pose / 'weights.safetensors')
        data = (*weights.card.data, *(n for n in other.card.data if n not in weights.card.data))
        card = dataclasses.replace(weights.card, name=name, data=data, command=COMMAND, **said)
        both = dataclasses.replace(weights, pose=other.pose, card=card)
        print(name, save_weights(both, out / f'{name}.safetensors', dtype=torch.float16))


if __name__ == '__main__':
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
