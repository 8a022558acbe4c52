"""
Renders the clips of one room; run by ``rooms`` in a process of its own, because Blender needs one.

The process reads a JSON object from its standard input and needs ``bpy`` and numpy alone.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np

from lsd_ros.rendering.camera_path import Look, camera_path
from lsd_ros.rendering.catalogue import KINDS
from lsd_ros.rendering.floor_plan import plan_room


@dataclass(frozen=True)
class RenderJob:
    """
    What to render.

    :param seed: of everything random in the room
    :param clips: paths of a camera through it
    :param frames: images of a clip
    :param width, height: of the images [px]
    :param samples: paths of light per pixel
    :param folder: for ``CLIP.npz``
    """

    seed: int
    clips: int
    frames: int
    width: int
    height: int
    samples: int
    folder: str

    def to_json(self) -> str:
        """Return what the process reads."""
        return json.dumps(asdict(self))


def render_room(job: RenderJob) -> int:
    """
    Render the clips of a room into ``0.npz``, ``1.npz``, and so on.

    Each holds ``light`` (N, H, W, 3) linear, float16; ``depth`` (N, H, W) [m]; ``poses`` (N, 4, 4)
    world from camera [m]; ``focal_px``; ``kind`` and ``mode``.

    :return: number of clips; fewer than asked for where no path shows anything
    """
    from lsd_ros.rendering.scene import Scene

    rng = Random(job.seed)
    names = list(KINDS)
    plan = plan_room(rng, KINDS[names[job.seed % len(names)]])
    size = (job.width, job.height)
    focal = job.width / 2 / math.tan(math.radians(rng.uniform(48, 84)) / 2)
    done = 0
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        scene = Scene(
            plan, rng, size=size, focal_px=focal, samples=job.samples, scratch=Path(scratch)
        )
        look = Look(scene.distances, size, focal)
        for clip in range(job.clips):
            path = camera_path(plan, look, rng, job.frames)
            if path is None:
                continue
            poses = [view.world_from_camera() for view in path[1]]
            light, depth = zip(*(scene.render(pose) for pose in poses), strict=True)
            np.savez(
                Path(job.folder) / f'{clip}.npz',
                light=np.stack(light).astype(np.float16),
                depth=np.stack(depth),
                poses=np.stack(poses),
                focal_px=focal,
                kind=plan.kind.name,
                mode=path[0],
            )
            done += 1
    return done


if __name__ == '__main__':
    logging.disable(logging.WARNING)
    render_room(RenderJob(**json.loads(sys.stdin.read())))
