"""
The ground under a camera, from inverse depth: a robust plane fit with a check of itself.

A plane n p = -h (n up, h the height of the camera above it) is linear in inverse depth: with
p = depth * ray and a = -n / h, 1 / depth = a ray. So three samples make a hypothesis, and least
squares refine it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.types import Camera

ROWS, COLUMNS = 20, 28  # of the samples over the whole image
STEEPEST_UP_RAD = math.radians(-5.0)  # flatter rays meet the ground too far away
FEWEST_SAMPLES = 60
HYPOTHESES = 96
TOLERANCE = 0.12
LEAST_HEIGHT = 1e-3  # of the camera above the ground, as a share of the distance to it
BELOW_COST = 3.0  # obstacles stand on the ground; nothing is below it but holes and errors
LARGEST_TILT_RAD = math.radians(12.0)
TILT_DEVIATION_RAD = math.radians(2.0)
REFINEMENTS = 3
SMALLEST_DEVIATION = 0.01
# Errors of a network are smooth: so many of its patches err independently of each other.
PATCHES = 12

SMALLEST_SHARE = 0.3
SMALLEST_ROW_SHARE = 0.4
ROW_IS_GROUND = 0.2
LARGEST_RESIDUAL = 0.07
LARGEST_SHARE_BELOW = 0.1
LARGEST_FIT_DEVIATION = 0.1

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """
    The plane that the robot stands on.

    :param height: of the camera above it [unit of the depth]
    :param deviation: standard deviation of the height, as a share of it
    :param up: normal of the plane in the frame of the camera, shape (3,)
    :param share: of the samples below the horizon that lie on it
    """

    height: float
    deviation: float
    up: Array
    share: float


@dataclass(frozen=True)
class NoGround:
    """
    Why no ground was found.

    :param reason: to be put after "no ground is seen: "
    """

    reason: str


@dataclass(frozen=True)
class _Samples:
    """Where to look: pixels below the horizon, their rays of depth 1, and triples of them."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    rays: Array
    triples: NDArray[np.intp]

    @classmethod
    def of(cls, camera: Camera, up: Array, useless: NDArray[np.bool_] | None) -> _Samples:
        rows = np.linspace(0, camera.height - 1, ROWS).round().astype(np.intp)
        columns = np.linspace(0, camera.width - 1, COLUMNS).round().astype(np.intp)
        v, u = (part.ravel() for part in np.meshgrid(rows, columns, indexing='ij'))
        rays = np.stack(
            ((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones(len(u))), 1
        )
        below = rays @ up < math.sin(STEEPEST_UP_RAD) * np.linalg.norm(rays, axis=1)
        if useless is not None:
            below &= ~useless[v, u]
        rng = np.random.default_rng(0)  # the same input gives the same scale
        count = int(below.sum())
        triples = rng.integers(0, max(1, count), (HYPOTHESES, 3))
        return cls(v[below], u[below], rays[below], triples)


class GroundFinder:
    """Finds the ground in one inverse depth map after the other; keeps what the camera fixes."""

    def __init__(self) -> None:
        self._key: tuple[Camera, bytes, bytes] | None = None
        self._samples: _Samples | None = None

    def find(
        self,
        inverse_depth: NDArray[np.float32],
        camera: Camera,
        up: Array,
        useless: NDArray[np.bool_] | None = None,
    ) -> Ground | NoGround:
        """
        Fit the plane that most of the samples below the horizon lie on.

        :param inverse_depth: shape (H, W), positive
        :param camera: of that map
        :param up: where up should be in the frame of the camera, of length 1, shape (3,)
        :param useless: where the map means nothing, as where the robot itself is, shape (H, W)
        :return: the ground, or why it is none
        """
        samples = self._samples_of(camera, up, useless)
        if len(samples.rays) < FEWEST_SAMPLES:
            return NoGround('the camera looks over it')
        inverse = inverse_depth[samples.rows, samples.columns].astype(np.float64)
        points = samples.rays / inverse[:, None]  # a point = 1 on the plane
        plane = _best_hypothesis(points, samples.triples, up)
        if plane is None:
            return NoGround('no plane lies flat below the camera')
        refined = _refined(points, samples.rays, inverse, plane, up)
        if refined is None:
            return NoGround('no plane lies flat below the camera')
        plane, deviation, residual, on_plane = refined
        reason = _fault(points, plane, samples, residual, on_plane, up)
        if reason is None and deviation > LARGEST_FIT_DEVIATION:
            reason = f'the height of its plane is uncertain by {deviation:.0%}'
        if reason is not None:
            return NoGround(reason)
        height = 1 / float(np.linalg.norm(plane))
        return Ground(height, deviation, -plane * height, float(on_plane.mean()))

    def _samples_of(
        self, camera: Camera, up: Array, useless: NDArray[np.bool_] | None
    ) -> _Samples:
        key = (camera, up.tobytes(), b'' if useless is None else useless.tobytes())
        if self._samples is None or key != self._key:
            self._key, self._samples = key, _Samples.of(camera, up, useless)
        return self._samples


def _best_hypothesis(points: Array, triples: NDArray[np.intp], up: Array) -> Array | None:
    """Return the plane through three points that explains the others best (MSAC)."""
    corners = points[triples]
    first, second, third = corners[:, 0], corners[:, 1], corners[:, 2]
    normals = np.cross(second - first, third - first)
    offsets = np.einsum('ij,ij->i', normals, first)
    # pixels on one line of the image lie on a plane through the camera, whatever their depth
    least = LEAST_HEIGHT * np.linalg.norm(normals, axis=1) * np.linalg.norm(first, axis=1)
    apart = np.abs(offsets) > least
    normals, offsets = normals[apart], offsets[apart]
    planes = normals / offsets[:, None]
    cosine = -(planes @ up) / np.linalg.norm(planes, axis=1)
    planes = planes[cosine > math.cos(LARGEST_TILT_RAD)]
    if not len(planes):
        return None
    residuals = points @ planes.T - 1
    costs = np.minimum(np.abs(residuals), TOLERANCE)
    # a point farther along its ray than the plane lies below it
    costs[residuals > 2 * TOLERANCE] *= BELOW_COST
    best: Array = planes[np.argmin(costs.sum(0))]
    return best


def _refined(
    points: Array, rays: Array, inverse: Array, plane: Array, up: Array
) -> tuple[Array, float, float, NDArray[np.bool_]] | None:
    """
    Refine a plane by weighted least squares, with a weak belief in where up is.

    :return: plane, deviation of its height as a share, spread of the points on it, which those
        are; None where it loses all of them
    """
    aside = _perpendicular(up)
    spread = TOLERANCE / 3
    for _ in range(REFINEMENTS):
        residuals = points @ plane - 1
        weights = np.maximum(1 - (residuals / (3 * spread)) ** 2, 0.0) ** 2  # Tukey
        # Inverse depth over what the last plane says: what is noisy stays out of the rows, which
        # would pull the plane towards zero. The near ground counts most: far off walls begin.
        expected = rays @ plane
        expected = np.maximum(expected, 0.05 * expected.max())
        weights *= (expected / expected.max()) ** 2
        if not weights.any():
            return None
        rows = rays / expected[:, None]
        worth = min(1.0, PATCHES / max(float(weights.sum()), 1e-9)) / spread**2
        belief = aside.T @ aside / (TILT_DEVIATION_RAD * np.linalg.norm(plane)) ** 2
        information = worth * (rows * weights[:, None]).T @ rows + belief
        plane = np.linalg.solve(information, worth * ((weights * inverse / expected) @ rows))
        on_plane = np.abs(points @ plane - 1) < TOLERANCE
        if on_plane.any():
            spread = 1.4826 * float(np.median(np.abs(points[on_plane] @ plane - 1)))
        spread = min(max(spread, SMALLEST_DEVIATION), TOLERANCE / 2)
    gradient = plane / (plane @ plane)  # of log(height) = -log |plane|
    deviation = math.sqrt(float(gradient @ np.linalg.solve(information, gradient)))
    return plane, deviation, spread, on_plane


def _fault(
    points: Array,
    plane: Array,
    samples: _Samples,
    residual: float,
    on_plane: NDArray[np.bool_],
    up: Array,
) -> str | None:
    """Return why this plane cannot be the ground; None where it can."""
    tilt = math.acos(min(1.0, max(-1.0, -float(plane @ up) / float(np.linalg.norm(plane)))))
    if tilt > LARGEST_TILT_RAD:
        return f'the flattest plane is tilted by {math.degrees(tilt):.0f} deg'
    share = float(on_plane.mean())
    if share < SMALLEST_SHARE:
        return f'only {share:.0%} of what lies below the horizon is on one plane'
    rows, index = np.unique(samples.rows, return_inverse=True)
    row_shares = np.bincount(index, on_plane) / np.bincount(index)
    covered = float((row_shares > ROW_IS_GROUND).sum()) / len(rows)
    if covered < SMALLEST_ROW_SHARE:
        return f'its plane covers only {covered:.0%} of the image rows below the horizon'
    if residual > LARGEST_RESIDUAL:
        return f'its plane is rough by {residual:.0%} of the depth'
    below = float((points @ plane - 1 > 2 * TOLERANCE).mean())
    if below > LARGEST_SHARE_BELOW:
        return f'{below:.0%} of what is seen would lie below its plane'
    return None


def _perpendicular(up: Array) -> Array:
    """Return two directions across another one, shape (2, 3)."""
    other = np.eye(3)[np.argmin(np.abs(up))]
    first = np.cross(up, other)
    first /= np.linalg.norm(first)
    return np.stack((first, np.cross(up, first)))
