"""Trains a tiny network in a process of its own: ``toy_run.py RUN {"name": value, ...}``."""

from __future__ import annotations

import faulthandler
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lsd_ros import config, settings
from lsd_ros.errors import LsdError
from lsd_ros.training.checkpointing import RunCard
from lsd_ros.training.random_states import seed_everything
from lsd_ros.training.run_folder import RunFolder
from lsd_ros.training.sampling import Draw
from lsd_ros.training.task import StepResult, Task
from lsd_ros.training.trainer import Trainer, leave_fabric, make_fabric
from lsd_ros.training.training_settings import TrainerSettings

STUCK_S = 200.0


class ToySamples:
    """Pictures that depend on sample and epoch alone."""

    def __len__(self) -> int:
        return 13

    @property
    def groups(self) -> list[range]:
        return [range(13)]

    def __getitem__(self, draw: Draw) -> Tensor:
        generator = torch.Generator().manual_seed(1000 * draw.epoch + draw.sample)
        return torch.randn(3, 8, 8, generator=generator)


class ToyTask(Task):
    """Learns to predict the mean of a picture; with statistics and random numbers on request."""

    def __init__(self, *, noisy: bool, delay_s: float = 0.0, bad_after: int = 0) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 4, 3, padding=1)]
        if noisy:
            layers += [nn.BatchNorm2d(4), nn.Dropout(0.3)]
        self.net = nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(4, 1, 3))
        self.delay_s = delay_s
        self.bad_after = bad_after
        self.calls = 0

    @property
    def trained(self) -> nn.Module:
        return self.net

    def forward(self, batch: Tensor) -> StepResult:
        time.sleep(self.delay_s)
        self.calls += 1
        found = self.net(batch).mean(dim=(1, 2, 3))
        loss = (found - batch.mean(dim=(1, 2, 3))).square().mean()
        if self.bad_after and self.calls > self.bad_after:
            loss = loss * float('nan')
        size = batch.abs().mean()
        return StepResult(loss, {'size': size}, lambda: {'picture': batch[0].sigmoid()})


def toy_run(path: Path, given: dict[str, Any]) -> Trainer:
    """Make or resume a toy training; the settings are small ones unless they are given."""
    extra = {name: given.pop(name) for name in ('noisy', 'delay_s', 'bad_after') if name in given}
    small = {
        'loop.max_steps': 20,
        'loop.batch_size': 4,
        'loop.workers': 0,
        'loop.threads': 1,
        'loop.device': 'cpu',
        'optimiser.learning_rate': 0.01,
        'optimiser.warmup_steps': 2,
        'record.log_every': 5,
        'record.picture_every': 0,
        'record.checkpoint_every': 5,
    }
    overwrite = given.pop('overwrite', False)
    wanted = settings.build(TrainerSettings, {**small, **given})
    card = RunCard('toy', settings.values(wanted), [{'name': 'noise'}], 'toy_run.py', '0')
    fabric = make_fabric(wanted.loop)
    seed_everything(wanted.loop.seed)
    task = ToyTask(**{'noisy': True, **extra})
    if fabric.is_global_zero:
        RunFolder.open(path, card, config.dump(wanted), overwrite=overwrite)
    fabric.barrier()
    run = RunFolder(path, card)
    trainer = Trainer(fabric, run, task, wanted)
    trainer.resume()
    trainer.train(ToySamples(), torch.stack)
    leave_fabric(fabric)
    return trainer


if __name__ == '__main__':
    faulthandler.dump_traceback_later(STUCK_S, exit=True)
    logging.basicConfig(level=logging.INFO)
    try:
        toy_run(Path(sys.argv[1]), json.loads(sys.argv[2]))
    except LsdError as error:
        sys.exit(str(error))
