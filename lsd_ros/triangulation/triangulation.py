"""
Depth from known motion: what a camera saw of a still world before and after, or from the side.

No network learns anything here. Depth that its neighbours do not confirm is left out, so that the
rest is good enough to learn from (as the hints of Watson et al., ICCV 2019).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lsd_ros.datasets.stereo import StereoPair, beside
from lsd_ros.datasets.training_sequence import TrainingSequence, world_from_camera
from lsd_ros.errors import DatasetError
from lsd_ros.geometry.resize import resize_image
from lsd_ros.triangulation.plane_sweep import Plane, SweptView, standing_cost, swept_cost
from lsd_ros.triangulation.semi_global import best_labels
from lsd_ros.triangulation.triangulation_settings import TriangulationSettings
from lsd_ros.types import Camera

SMALL_STEP, LARGE_STEP = 0.05, 0.3  # prices of slanted and of broken surfaces


class _Seen(NamedTuple):
    """Another place that an image is compared with."""

    sequence: int
    frame: int
    view_from_target: NDArray[np.float64]


class Triangulator:
    """
    Triangulates the images of sequences.

    :param sequences: still worlds with poses, or stereo pairs
    :param given: settings
    :raises DatasetError: a sequence has neither poses nor another camera beside it, or a stereo
        pair does not fit
    """

    def __init__(
        self, sequences: Sequence[TrainingSequence], given: TriangulationSettings
    ) -> None:
        """Look whether there are motions; no image is read yet."""
        self._sequences, self._given = sequences, given
        self._beside = beside([StereoPair.parse(pair) for pair in given.stereo], sequences)
        for number, sequence in enumerate(sequences):
            if sequence.poses is None and number not in self._beside:
                raise DatasetError(
                    f'{sequence.name} has no poses, and is in no stereo pair: give it poses.tum, '
                    "name its other camera with --set 'stereo=[LEFT RIGHT METRES]', or follow it "
                    'by the depth of metric weights with --weights'
                )
        self._cameras = [_resized(sequence.camera, given.width) for sequence in sequences]
        kept = 2 * (2 * given.max_gap + 1)  # all that an image is compared with, of both cameras
        keep: Callable[..., Callable[[int, int], Plane]] = functools.lru_cache(kept)
        self._luminance = keep(self._read)
        self._inverse = keep(self._match)

    def depth(self, number: int, index: int) -> NDArray[np.float32]:
        """
        Triangulate one image.

        :param number: of the sequence
        :param index: of the image
        :return: along the optical axis [m], NaN where nothing is known for sure, shape (H, W) of
            the images of the sequence
        :raises DatasetError: an image cannot be decoded, or is of another size than the camera
        """
        camera, whole = self._cameras[number], self._sequences[number].camera
        inverse = self._inverse(number, index)
        places = self._places(number, index)
        agreeing = sum(
            (self._agrees(inverse, place, camera).astype(int) for place in places),
            start=np.zeros(inverse.shape, int),
        )
        sure = agreeing >= min(self._given.agreeing, max(1, len(places)))
        depth = np.where(sure, 1 / inverse, np.nan).astype(np.float32)
        size = (whole.width, whole.height)
        return np.asarray(cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST), np.float32)

    def _read(self, number: int, index: int) -> Plane:
        camera = self._cameras[number]
        small = resize_image(self._sequences[number].image(index), camera.width, camera.height)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)

    def _match(self, number: int, index: int) -> Plane:
        """Return inverse depth before others are asked [1/m], NaN where it is not known."""
        given, places = self._given, self._places(number, index)
        target, camera = self._luminance(number, index), self._cameras[number]
        if not places:
            return np.full(target.shape, np.nan, np.float32)
        views = [
            SweptView(self._luminance(place.sequence, place.frame), place.view_from_target)
            for place in places
        ]
        inverse_depths = np.linspace(1 / given.furthest_m, 1 / given.nearest_m, given.hypotheses)
        cost = swept_cost(target, views, camera.matrix, inverse_depths, given.patch)
        match = best_labels(cost, SMALL_STEP, LARGE_STEP)
        # what is as far as can be seen, or looks the same without any motion, has no known depth
        believed = (match.cost < given.max_cost) & (match.lead > given.min_lead)
        believed &= match.label > 1
        moved = [view for view, place in zip(views, places, strict=True) if place.frame != index]
        if moved:
            believed &= ~(standing_cost(target, moved, given.patch) <= match.cost)
        inverse = np.interp(match.label, np.arange(given.hypotheses), inverse_depths)
        return np.where(believed, inverse, np.nan).astype(np.float32)

    def _agrees(self, inverse: Plane, place: _Seen, camera: Camera) -> NDArray[np.bool_]:
        """Say where another view has the same point at the depth that it should have there."""
        other = self._inverse(place.sequence, place.frame)
        height, width = inverse.shape
        u, v = np.meshgrid(np.arange(width), np.arange(height))
        rays = np.stack(
            ((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u))
        )
        motion = place.view_from_target
        points = np.tensordot(motion[:3, :3], rays, 1) / inverse + motion[:3, 3][:, None, None]
        with np.errstate(divide='ignore', invalid='ignore'):
            wanted = 1 / points[2]
            x = (camera.fx * points[0] * wanted + camera.cx).astype(np.float32)
            y = (camera.fy * points[1] * wanted + camera.cy).astype(np.float32)
            said = cv2.remap(
                other, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=np.nan
            )
            step = (1 / self._given.nearest_m) / self._given.hypotheses
            allowed = self._given.tolerance * wanted + step / 2
            return np.asarray((np.abs(said - wanted) <= allowed) & (wanted > 0))

    def _places(self, number: int, index: int) -> list[_Seen]:
        places = []
        if number in self._beside:
            other, motion = self._beside[number]
            places.append(_Seen(other, index, np.asarray(motion, np.float64)))
        for direction in (-1, 1):
            places += self._along(number, index, direction)
        return places

    def _along(self, number: int, index: int, direction: int) -> Iterator[_Seen]:
        """Yield the views whose camera is one baseline away, two baselines, and so on."""
        sequence, given = self._sequences[number], self._given
        here = world_from_camera(sequence, index)
        found, at = 0, index + direction
        while here is not None and 0 <= at < len(sequence) and abs(at - index) <= given.max_gap:
            there = world_from_camera(sequence, at)
            if there is None:
                return
            motion = np.linalg.inv(there) @ here
            # a robot's steps vary: what is nearly a baseline away counts as one
            if np.linalg.norm(motion[:3, 3]) > (found + 0.75) * given.step_m:
                yield _Seen(number, at, motion)
                found += 1
            if found == given.views:
                return
            at += direction


def _resized(camera: Camera, width: int) -> Camera:
    """Return the camera of smaller images; larger ones than there are show no more."""
    width = min(width, camera.width)
    return camera.resized(width, max(1, round(camera.height * width / camera.width)))
