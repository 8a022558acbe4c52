"""
Curves and pictures for TensorBoard, written at once: what a thread held back would be lost.

SummaryWriter of PyTorch writes in a thread of its own, whose traceback of a full disk nobody can
keep from the terminal.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

from torch import Tensor

from lsd_ros.errors import TrainingError


class TensorBoardWriter:
    """
    One file of events.

    :param folder: where it is made
    :param first_step: what earlier files say about this step and later ones does not count
    :raises ImportError: there is no TensorBoard
    :raises TrainingError: the file cannot be made
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event = Event
        seconds, rest_ns = divmod(time.time_ns(), 10**9)
        place = f'{socket.gethostname()}.{os.getpid()}'
        # TensorBoard reads files in the order of their names
        self._path = folder / f'events.out.tfevents.{seconds}.{place}.{rest_ns:09}'
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open('xb', buffering=0)
        except OSError as error:
            raise self._failure(error) from error
        self._records = RecordWriter(self._file)
        self._write(file_version='brain.Event:2')
        self._write(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def add_scalars(self, values: dict[str, float], step: int) -> None:
        """
        Write a point of every curve.

        :raises TrainingError: the disk is full
        """
        from torch.utils.tensorboard.summary import scalar

        for name, value in values.items():
            self._write(step=step, summary=scalar(name, value))  # type: ignore[no-untyped-call]

    def add_pictures(self, pictures: dict[str, Tensor], step: int) -> None:
        """
        Write pictures.

        :param pictures: RGB in 0 .. 1, shape (3, H, W)
        :raises TrainingError: the disk is full
        """
        from torch.utils.tensorboard.summary import image

        for name, picture in pictures.items():
            pixels = picture.float().clamp(0, 1).cpu()
            drawn = image(name, pixels, dataformats='CHW')  # type: ignore[no-untyped-call]
            self._write(step=step, summary=drawn)

    def close(self) -> None:
        """Close the file; everything is in it already."""
        self._file.close()

    def _write(self, **content: Any) -> None:
        event = self._event(wall_time=time.time(), **content)
        try:
            self._records.write(event.SerializeToString())
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> TrainingError:
        return TrainingError(f'cannot write {self._path}: {error.strerror or error}')
