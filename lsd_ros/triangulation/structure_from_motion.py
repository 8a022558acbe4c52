"""
Motions and sure points from images alone: structure from motion by COLMAP.

Schönberger and Frahm, CVPR 2016; the library is pycolmap. The intrinsics stay those of the camera.
Everything is in a unit of its own: images alone have no metres.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.image_file import write_image
from lsd_ros.datasets.job_processes import run_jobs
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.optional import check_installed
from lsd_ros.triangulation.triangulation_settings import StructureSettings
from lsd_ros.triangulation.two_view import is_bent
from lsd_ros.types import Camera

PIXEL_CENTRE = 0.5  # COLMAP counts pixels from their corner, OpenCV and ROS from their middle
LARGEST_ERROR_PX = 1.5  # of a point that is believed
SHORTEST_TRACK = 3  # images that see it
LEAST_ANGLE_RAD = np.radians(1.0)  # between the rays of those furthest apart
QUIET = 3  # of its log: fatal errors alone
DATABASE = 'matches.db'


@dataclass(frozen=True)
class SparseDepth:
    """
    Points that an image sees.

    :param pixels: u, v, the middle of the first pixel at 0, shape (N, 2)
    :param depth: along the optical axis, shape (N,)
    """

    pixels: NDArray[np.float32]
    depth: NDArray[np.float32]


@dataclass(frozen=True)
class Structure:
    """
    Images that hang together.

    :param indices: of the images, ascending, shape (N,)
    :param world_from_camera: shape (N, 4, 4), in a unit and a world of its own
    :param points: of each image, in the same unit
    :param error_px: mean reprojection error
    :param how: what found it, for people
    :param sure: whether the points were seen from several places, and may be learned as depth
    """

    indices: NDArray[np.int64]
    world_from_camera: NDArray[np.float64]
    points: tuple[SparseDepth, ...]
    error_px: float
    how: str = 'structure from motion (COLMAP)'
    sure: bool = True


def reconstruct(
    image: Callable[[int], NDArray[np.uint8]],
    indices: Sequence[int],
    camera: Camera,
    work: Path,
    given: StructureSettings,
    advance: Callable[[], object] = lambda: None,
) -> list[Structure]:
    """
    Find how a camera moved, and the points that it saw.

    :param image: reads one, RGB, shape (H, W, 3)
    :param indices: of the images, in the order of time
    :param camera: of every image, without distortion
    :param work: an empty folder for images and the database of matches
    :param advance: called for each image that is written
    :return: the parts that hang together and say what their images say two by two, the largest
        first; empty: there is none
    :raises DatasetError: pycolmap is not installed, or an image cannot be read
    """
    # imported here, its handlers of signals would be in the place of ours
    check_installed('pycolmap', 'structure from motion', 'sfm')
    small = _resized(camera, given.width)
    for index in indices:
        write_grey(work, index, image(index), (small.width, small.height))
        advance()
    jobs = [(work, small, camera, given)]
    for outcome in run_jobs(_solved, jobs, 1, lambda _done, _more: None, apart=True):
        if outcome.problem:
            raise DatasetError(f'structure from motion: {outcome.problem}')
        found: list[Structure] = outcome.result
    return found


def keep_quiet(work: Path) -> None:
    """Let what this process says on stderr go to a file: COLMAP has a log of its own there."""
    with open(work / 'colmap.log', 'wb') as log:
        os.dup2(log.fileno(), 2)


def _solved(
    work: Path, small: Camera, camera: Camera, given: StructureSettings, _: object
) -> list[Structure]:
    """Solve for what ``reconstruct`` returns; COLMAP neither listens to signals nor is quiet."""
    keep_quiet(work)
    centre = small.cx + PIXEL_CENTRE, small.cy + PIXEL_CENTRE
    models = mapped(work, 'PINHOLE', (small.fx, small.fy, *centre), given)
    scale = camera.width / small.width
    found = [
        _structure(model, seen, camera, scale)
        for model in models
        for seen in _straight_runs(model, work / DATABASE, small)
    ]
    kept = [part for part in found if len(part.indices) >= given.min_images]
    return sorted(kept, key=lambda part: -len(part.indices))


def mapped(
    work: Path,
    model: str,
    parameters: tuple[float, ...],
    given: StructureSettings,
    *,
    refined: bool = False,
) -> list[Any]:
    """
    Run features, matching and mapping.

    :param work: has the images in ``images``
    :param model: of the camera, as COLMAP calls it
    :param parameters: of the camera; COLMAP counts pixels from their corner; none: not known
    :param refined: whether focal length and distortion are estimated, too
    :return: reconstructions; empty: nothing hangs together
    :raises DatasetError: COLMAP fails
    """
    import pycolmap

    pycolmap.logging.minloglevel = QUIET
    database, images = work / DATABASE, work / 'images'
    reader = pycolmap.ImageReaderOptions()
    reader.camera_model = model
    if parameters:
        reader.camera_params = ','.join(map(repr, parameters))
    mapping = pycolmap.IncrementalPipelineOptions()
    mapping.num_threads = given.threads or -1
    mapping.ba_refine_focal_length = mapping.ba_refine_extra_params = refined
    mapping.ba_refine_principal_point = False
    mapping.min_model_size = given.min_images
    try:
        _match(pycolmap, database, images, reader, given)
        sparse = work / 'sparse'
        models = pycolmap.incremental_mapping(database, images, sparse, options=mapping)
    except (RuntimeError, ValueError) as error:
        raise DatasetError(f'COLMAP failed on these images: {error}') from error
    return list(models.values())


def _match(
    pycolmap: Any, database: Path, images: Path, reader: Any, given: StructureSettings
) -> None:
    """Find the same points in neighbouring images, on the CPU."""
    threads = given.threads or -1
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.num_threads, extraction.use_gpu = threads, False
    extraction.sift.max_num_features = given.features
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads, matching.use_gpu = threads, False
    pairing = pycolmap.SequentialPairingOptions()
    pairing.overlap, pairing.quadratic_overlap = given.overlap, True
    pycolmap.extract_features(
        database,
        images,
        camera_mode=pycolmap.CameraMode.SINGLE,
        reader_options=reader,
        extraction_options=extraction,
        device=pycolmap.Device.cpu,
    )
    pycolmap.match_sequential(
        database,
        matching_options=matching,
        pairing_options=pairing,
        device=pycolmap.Device.cpu,
    )


def _straight_runs(model: Any, database: Path, camera: Camera) -> list[list[tuple[int, Any]]]:
    """
    Return the images of a model, by their index, cut where its motion is not that of two images.

    :param camera: of the images as they were matched
    """
    import pycolmap

    library: Any = pycolmap.Database  # 3.12 opens one by its constructor
    opened = getattr(library, 'open', library)(str(database))
    matrix = camera.matrix + np.array(((0, 0, PIXEL_CENTRE), (0, 0, PIXEL_CENTRE), (0, 0, 0)))
    seen = sorted(
        (int(Path(image.name).stem), image) for image in model.images.values() if image.has_pose
    )
    runs = [seen[:1]]
    for (_, first), (index, second) in pairwise(seen):
        geometry = opened.read_two_view_geometry(first.image_id, second.image_id)
        tells = int(geometry.config) == int(pycolmap.TwoViewGeometryConfiguration.CALIBRATED)
        rows = np.asarray(geometry.inlier_matches, np.int64).reshape(-1, 2).T
        before, after = (
            np.asarray(opened.read_keypoints(image.image_id), np.float64)[numbers, :2]
            for image, numbers in zip((first, second), rows, strict=True)
        )
        motion = _camera_from_world(second) @ np.linalg.inv(_camera_from_world(first))
        if tells and is_bent(before, after, matrix, motion):
            runs.append([])
        runs[-1].append((index, second))
    opened.close()
    return runs


def _camera_from_world(image: Any) -> NDArray[np.float64]:
    return np.vstack((image.cam_from_world().matrix(), (0, 0, 0, 1)))


def _structure(
    model: Any, seen: Sequence[tuple[int, Any]], camera: Camera, scale: float
) -> Structure:
    """Return what some images of a model, by their index, say together."""
    centres = {image.image_id: image.projection_center() for _, image in seen}
    sure = {
        number: point
        for number, point in model.points3D.items()
        if point.error < LARGEST_ERROR_PX and _is_sure(point, centres)
    }
    poses, points = [], []
    for _, image in seen:
        camera_from_world = _camera_from_world(image)
        poses.append(np.linalg.inv(camera_from_world))
        points.append(_sparse(image, sure, camera_from_world, camera, scale))
    return Structure(
        np.array([index for index, _ in seen], np.int64),
        np.stack(poses) if poses else np.empty((0, 4, 4)),
        tuple(points),
        float(model.compute_mean_reprojection_error()),
    )


def _is_sure(point: Any, centres: dict[int, NDArray[np.float64]]) -> bool:
    """Say whether enough images see a point, from places far enough apart."""
    elements = point.track.elements
    rays = [centres[e.image_id] - point.xyz for e in elements if e.image_id in centres]
    if len(rays) < SHORTEST_TRACK:
        return False
    units = np.array([ray / max(float(np.linalg.norm(ray)), 1e-12) for ray in rays])
    return bool((units @ units.T).min() < np.cos(LEAST_ANGLE_RAD))


def _sparse(
    image: Any,
    sure: dict[int, Any],
    camera_from_world: NDArray[np.float64],
    camera: Camera,
    scale: float,
) -> SparseDepth:
    own = [
        (point.xy, sure[point.point3D_id].xyz)
        for point in image.points2D
        if point.has_point3D() and point.point3D_id in sure
    ]
    if not own:
        return SparseDepth(np.empty((0, 2), np.float32), np.empty(0, np.float32))
    pixels = scale * np.array([xy for xy, _ in own]) - PIXEL_CENTRE
    world = np.array([xyz for _, xyz in own])
    depth = world @ camera_from_world[2, :3] + camera_from_world[2, 3]
    inside = (depth > 0) & (pixels > -0.5).all(axis=1)
    inside &= (pixels < (camera.width - 0.5, camera.height - 0.5)).all(axis=1)
    return SparseDepth(pixels[inside].astype(np.float32), depth[inside].astype(np.float32))


def _resized(camera: Camera, width: int) -> Camera:
    if camera.width <= width:
        return camera
    return camera.resized(width, max(1, round(camera.height * width / camera.width)))


def write_grey(work: Path, index: int, image: NDArray[np.uint8], size: tuple[int, int]) -> None:
    """
    Write an image where ``mapped`` looks for it.

    :param image: RGB, shape (H, W, 3)
    :param size: width and height that it is matched at
    :raises DatasetError: it cannot be written
    """
    folder = work / 'images'
    folder.mkdir(exist_ok=True)
    if (image.shape[1], image.shape[0]) != size:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    write_image(folder / f'{index:08d}.png', grey)
