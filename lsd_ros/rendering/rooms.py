"""Sequences of rendered rooms with exact depth and poses."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.sequence_writer import MAX_DEPTH_VALUE, SequenceWriter
from lsd_ros.errors import DatasetError
from lsd_ros.rendering.imaging import Imager, flow_between
from lsd_ros.rendering.render import RenderJob
from lsd_ros.types import Camera, Frame

DEPTH_UNIT_M = 0.001
STEP_NS = 100_000_000
START_NS = 1_300_000_000_000_000_000
LONGEST_S = 3600.0  # of one room
MANY_FAILURES = 3
_PACKAGE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class RoomsSettings:
    """
    What to render.

    :param first_seed: of the rooms; each has the next
    :param rooms: how many
    :param clips: paths of a camera through each
    :param frames: images of a clip
    :param width, height: of the images [px]
    :param samples: paths of light per pixel; 4 is enough with the denoiser
    :param jobs: rooms at the same time, each with one thread
    :param python: interpreter that has ``bpy``, Blender as a library; empty: the one that runs
    """

    first_seed: int = 0
    rooms: int = 10
    clips: int = 2
    frames: int = 5
    width: int = 320
    height: int = 240
    samples: int = 4
    jobs: int = 1
    python: str = ''

    def __post_init__(self) -> None:
        """Check every value."""
        ranges = {
            'rooms': (1, 10**6),
            'clips': (1, 26),
            'frames': (2, 1000),
            'width': (64, 4096),
            'height': (64, 4096),
            'samples': (1, 4096),
            'jobs': (1, 256),
            'first_seed': (0, 10**9),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise DatasetError(f'{name} is {value}: it must be from {low} to {high}')


def render_rooms(
    out: str | Path, settings: RoomsSettings, progress: Callable[[int, int], object] | None = None
) -> list[Path]:
    """
    Render rooms, each as one sequence per clip, ``KIND_SEED_CLIP`` below a folder.

    What is there already is left alone, so that a run goes on where it was stopped.

    :param out: folder for the sequences
    :param progress: called with the number of rooms that are ready, and of all
    :return: folders of the new sequences
    :raises DatasetError: ``bpy`` is missing, or several rooms in a row cannot be rendered
    """
    python = settings.python or sys.executable
    check_blender(python)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f'cannot make {folder}: {error.strerror}') from error
    missing = missing_rooms(folder, settings)
    made: list[Path] = []
    running: set[subprocess.Popen[str]] = set()
    ready = settings.rooms - len(missing)
    with ThreadPoolExecutor(settings.jobs) as pool:
        jobs = {
            pool.submit(_room, python, folder, settings, seed, running): seed for seed in missing
        }
        failures: list[str] = []
        try:
            for job in as_completed(jobs):
                try:
                    made.extend(job.result())
                    failures.clear()
                except DatasetError as error:
                    failures.append(f'room {jobs[job]}: {error}')
                if len(failures) >= MANY_FAILURES:
                    raise DatasetError(failures[-1])
                ready += 1
                if progress is not None:
                    progress(ready, settings.rooms)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):  # whoever ends us does not wait for a room
                process.kill()
    if failures and not made:
        raise DatasetError(failures[-1])
    return made


def missing_rooms(folder: Path, settings: RoomsSettings) -> list[int]:
    """Return the seeds of rooms without a sequence; hidden folders are what a kill left."""
    seeds = range(settings.first_seed, settings.first_seed + settings.rooms)
    return [seed for seed in seeds if not any(folder.glob(f'[!.]*_{seed:05d}_*'))]


def check_blender(python: str) -> None:
    """
    Check that an interpreter has ``bpy``.

    :raises DatasetError: there is no such interpreter, or it has no ``bpy``
    """
    try:
        found = subprocess.run(
            [python, '-c', 'import importlib.util as u, sys; sys.exit(not u.find_spec("bpy"))'],
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DatasetError(f'{python} cannot be run as a Python interpreter: {error}') from error
    if found.returncode != 0:
        raise DatasetError(
            f'rendered rooms need Blender as a Python library, and {python} has no bpy: install '
            'lsd_ros[rooms] (Python 3.11), or name an interpreter that has it by --blender-python'
        )


def _room(
    python: str,
    out: Path,
    settings: RoomsSettings,
    seed: int,
    running: set[subprocess.Popen[str]],
) -> list[Path]:
    with tempfile.TemporaryDirectory(prefix='lsd_ros_room_') as folder:
        job = RenderJob(
            seed, settings.clips, settings.frames, settings.width, settings.height,
            settings.samples, folder,
        )  # fmt: skip
        _run(python, job, running)
        return [
            _develop(path, out, seed, number)
            for number, path in enumerate(sorted(Path(folder).glob('*.npz')))
        ]


def _run(python: str, job: RenderJob, running: set[subprocess.Popen[str]]) -> None:
    """Render a room in a process of its own; Blender writes on stdout whatever it likes."""
    process = subprocess.Popen(
        [python, '-m', 'lsd_ros.rendering.render'],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_PACKAGE,
    )
    running.add(process)
    try:
        _, said = process.communicate(job.to_json(), timeout=LONGEST_S)
    except subprocess.TimeoutExpired as error:
        raise DatasetError(f'rendering takes more than {LONGEST_S:.0f} s') from error
    finally:
        process.kill()
        running.discard(process)
    if process.returncode != 0:
        last = [line for line in said.splitlines() if line.strip()][-1:] or ['no message']
        raise DatasetError(f'Blender ended with exit code {process.returncode}: {last[0][:200]}')


def _develop(path: Path, out: Path, seed: int, number: int) -> Path:
    """Make images of the light of a clip, and write its sequence."""
    with np.load(path) as clip:
        kind, mode, focal = str(clip['kind']), str(clip['mode']), float(clip['focal_px'])
        light, depth, poses = clip['light'], clip['depth'], clip['poses']
    height, width = depth.shape[1:]
    camera = Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)
    target = out / f'{kind}_{seed:05d}_{"abcdefghijklmnopqrstuvwxyz"[number]}'
    manifest = {
        'origin': f'rendered {kind}, seed {seed}, camera moved as by {mode}',
        'licence': 'Apache-2.0',
        'rate_hz': 1e9 / STEP_NS,
        'moving_objects': False,
    }
    with SequenceWriter(
        target, camera, manifest=manifest, depth_unit_m=DEPTH_UNIT_M, jpeg_quality=90
    ) as writer:
        images = _images(light, depth, poses, focal, np.random.default_rng((seed, number)))
        for index, image in enumerate(images):
            frame = Frame(image=image, stamp_ns=START_NS + index * STEP_NS, frame_id='camera')
            far = np.minimum(depth[index], np.float32(MAX_DEPTH_VALUE * DEPTH_UNIT_M))
            writer.add(frame, world_from_camera=poses[index], depth=far)
    return target


def _images(
    light: NDArray[np.float16],
    depth: NDArray[np.float32],
    poses: NDArray[np.float64],
    focal_px: float,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.uint8]]:
    imager = Imager.drawn(rng, light[0].astype(np.float32))
    last = len(light) - 1
    for index in range(len(light)):
        other = index + 1 if index < last else index - 1
        flow = flow_between(depth[index], poses[index], poses[other], focal_px)
        yield imager.image(light[index].astype(np.float32), flow, rng)
