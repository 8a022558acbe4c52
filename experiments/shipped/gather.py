r"""
Gathers the figures of some trainings, as ``lsd_ros evaluate --json`` wrote them beside each.

python experiments/shipped/gather.py RUNS > experiments/held_out.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FIGURES = ('abs_rel', 'sq_rel', 'rmse', 'a1', 'a2', 'a3')


def figures(scores: dict[str, Any]) -> dict[str, float]:
    """Return the errors of one sequence beside those that need no image."""
    told = {name: scores[name] for name in FIGURES}
    told['own_mean_map'] = scores['priors']['mean_map']['abs_rel']
    told['as_it_is'] = scores['unscaled']['abs_rel']
    told['spread_of_scale'] = scores['scale_std']
    return {name: round(value, 4) for name, value in told.items()}


def main(runs: Path) -> None:
    """Print the figures of every training as JSON."""
    every = {
        file.stem: {name: figures(scores) for name, scores in json.loads(file.read_text()).items()}
        for file in sorted(runs.glob('*.json'))
    }
    print(json.dumps(every, indent=1))


if __name__ == '__main__':
    main(Path(sys.argv[1]))
