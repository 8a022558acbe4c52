"""The states of everything that draws random numbers, as what a checkpoint can carry."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def random_states() -> dict[str, Any]:
    """Return the states of Python, NumPy, torch and CUDA."""
    version, numbers, gauss = random.getstate()
    name, key, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        'python': (version, list(numbers), gauss),
        'numpy': (str(name), torch.from_numpy(np.array(key)), position, has_gauss, cached),
        'torch': torch.get_rng_state(),
        'cuda': torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Go on with the random numbers where they were."""
    version, numbers, gauss = states['python']
    random.setstate((version, tuple(numbers), gauss))
    name, key, position, has_gauss, cached = states['numpy']
    np.random.set_state((name, key.numpy(), position, has_gauss, cached))
    torch.set_rng_state(states['torch'])
    if states['cuda'] and len(states['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states['cuda'])


def seed_everything(seed: int) -> None:
    """Start all random numbers anew."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
