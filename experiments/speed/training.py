"""
How many samples a second are trained with: teacher and student, f32 and bf16, plain or fused Adam.

All take turns on the same batches of a synthetic street, a step at a time, in one process; each
step is the trainer's: gradients, clipping, optimiser. What one process spends on reading and
augmenting the samples is measured beside it. CPU time counts: ratios hold beside other work.

    python experiments/speed/training.py --rounds 5 --batch 4 --threads 1
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lsd_ros import settings
from lsd_ros.cli.benchmark.interleaved import ROW_HEAD, in_turns, ratio_rows, ratios
from lsd_ros.cli.tables import table
from lsd_ros.datasets.open_sequences import open_sequences
from lsd_ros.models.bridge import BridgedTeacher
from lsd_ros.models.pose_net import PoseNet
from lsd_ros.models.small_depth_net import SmallDepthNet
from lsd_ros.synthetic.drive import SyntheticDrive
from lsd_ros.synthetic.synthetic_sequence import write_sequence
from lsd_ros.training.allocator import keep_freed_memory
from lsd_ros.training.data.snippet_batch import SnippetBatch, collate
from lsd_ros.training.data_loading import batches
from lsd_ros.training.phase_settings import StudentSettings, TeacherSettings
from lsd_ros.training.phases import samples_of
from lsd_ros.training.precision import Arithmetic
from lsd_ros.training.task import Task
from lsd_ros.training.tasks import StudentTask, TeacherTask
from lsd_ros.types import Camera

CPU = torch.device('cpu')
CAMERA = Camera(832, 256, 500.0, 500.0, 415.5, 127.5)
FRAMES = 12
CLIPPED = 1.0


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (('rounds', 5), ('batch', 4), ('threads', 1)):
        parser.add_argument(f'--{name}', type=int, default=default)
    parser.add_argument('--phases', nargs='+', default=['student', 'teacher'])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        read, data_s = samples(Path(folder), given.batch)
        steps: dict[str, Callable[[], object]] = {}
        for phase in given.phases:
            for precision in ('full', 'bf16'):
                for fused in (False, True):
                    name = f'{phase}, {precision}, {"fused" if fused else "plain"}'
                    steps[name] = step_of(task_of(phase), precision, read, fused=fused)
        first, call = next(iter(steps.items()))
        steps[f'{first}, again'] = call
        measured = ratios(in_turns(steps, rounds=given.rounds, calls=1))
    print('\n'.join(table(['one step', *ROW_HEAD], list(ratio_rows(measured)))))
    for name, each in measured.items():
        share = data_s / (data_s + each['cpu_ms'] / 1e3)
        rate = given.batch / (each['cpu_ms'] / 1e3)
        print(f'{name}: {rate:.2f} samples per second of CPU; reading them would be {share:.1%}')


def samples(folder: Path, size: int) -> tuple[list[SnippetBatch], float]:
    """Return some batches, and the CPU time that one takes to read and to augment [s]."""
    write_sequence(folder / 'street', SyntheticDrive('street', 1, CAMERA, FRAMES, rate_hz=10.0))
    wanted = settings.build(StudentSettings, {'loop.batch_size': size, 'loop.workers': 0})
    feed = batches(
        samples_of(wanted, open_sequences([folder / 'street'])),
        collate,
        wanted.loop,
        first_step=0,
        rank=0,
        processes=1,
    )
    read, seconds = [], []
    for _ in range(4):
        began = time.process_time()
        read.append(next(feed))
        seconds.append(time.process_time() - began)
    return read, float(np.median(seconds))


def task_of(phase: str) -> Task:
    """Make the task of a phase, with networks of the default shape."""
    if phase == 'teacher':
        wanted = TeacherSettings()
        return TeacherTask(BridgedTeacher(wanted.network), PoseNet(wanted.pose), wanted)
    student = StudentSettings()
    return StudentTask(SmallDepthNet(student.network), PoseNet(student.pose), student, None)


def step_of(
    task: Task, precision: str, read: list[SnippetBatch], *, fused: bool
) -> Callable[[], object]:
    """Return what makes one step."""
    kind = Arithmetic(precision, 'channels_last')
    kind.apply(task)
    task.train()
    parameters = [each for each in task.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, fused=fused)
    feed = itertools.cycle(read)

    def step() -> None:
        optimiser.zero_grad()
        with kind.context(CPU):
            result = task(next(feed))
        result.loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIPPED)
        optimiser.step()

    return step


if __name__ == '__main__':
    main()
