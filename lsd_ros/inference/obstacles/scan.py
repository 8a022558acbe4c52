"""From depth to the nearest obstacle per bearing, as a laser scanner at the base would tell it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.inference.obstacles.band import Band
from lsd_ros.inference.obstacles.bearings import BearingTable, Indices
from lsd_ros.inference.obstacles.depth_filter import DepthFilter, FilteredDepth
from lsd_ros.inference.obstacles.drop_off import DropOff, Missing
from lsd_ros.inference.obstacles.obstacle_settings import (
    DropOffSettings,
    PointsSettings,
    ScanSettings,
)
from lsd_ros.inference.obstacles.rays import Plane
from lsd_ros.inference.obstacles.sectors import (
    BLOCKED,
    CLOSEST_M,
    FREE,
    NOTHING,
    TOO_NEAR,
    Hits,
    Sectors,
)
from lsd_ros.types import Camera, Estimate, Scan

Matrix = NDArray[np.float64]
STILL = 1e-3  # a mount that has moved less is where it was [m, and elements of the rotation]
LEAST_SIGHTED = 0.25  # share of the bearings that need not see up to the end of the range


@dataclass(frozen=True)
class ScanView:
    """
    What depends on the camera, its mount and the settings alone.

    Only pixels count that can see the band; N are all of these, in the order of the image.

    :param pixels: where they are in the flattened image, shape (N,)
    :param near: depth from which on one may show an obstacle, shape (N,), float32 [m]
    :param far: depth until which it may, shape (N,), float32 [m]
    :param level: distance from the camera, seen from above, at depth 1, shape (N,), float32
    :param forward: distance from the camera along x of the base frame, at depth 1, shape (N,)
    :param left: distance from the camera along y of the base frame, at depth 1, shape (N,)
    :param behind: what a pixel says that sees past ``far``, shape (N,), float32
    :param at_camera: where something too near is in the band, shape (N,)
    :param half: half of what each covers at the camera [rad], shape (N,), float32
    :param fan: the bearings of the camera
    :param sectors: the bearings of the scan
    :param range_m: where the range ends
    """

    pixels: Indices
    near: Plane
    far: Plane
    level: Plane
    forward: Plane
    left: Plane
    behind: Plane
    at_camera: NDArray[np.bool_]
    half: Plane
    fan: BearingTable
    sectors: Sectors
    range_m: float

    @classmethod
    def of(
        cls,
        camera: Camera,
        base_from_camera: Matrix,
        wanted: ScanSettings,
        max_depth_m: float,
        drop_off: NDArray[np.bool_] | None = None,
    ) -> ScanView:
        """
        Look at the world from a mount.

        :param max_depth_m: farther depth is infinite
        :param drop_off: where missing floor is looked for, shape (H, W); None: nowhere
        :raises CameraError: from there, the camera sees none of the band
        """
        band = Band.of(camera, base_from_camera, wanted)
        range_m = min(wanted.max_range_m, max_depth_m)
        seen = band.near < np.minimum(band.far, band.depth_at(range_m))
        if not seen.any():
            raise CameraError(_blind(base_from_camera, wanted))
        floor = np.zeros_like(seen) if drop_off is None else drop_off
        increment = math.radians(wanted.angle_increment_deg) or math.atan(1 / camera.fx)
        fan = BearingTable.of(camera, base_from_camera, seen | floor, increment)
        sight = -fan.least(-np.where(seen, band.ranges(band.far), 0.0), 0.0)
        range_m = min(range_m, float(np.quantile(sight, LEAST_SIGHTED)))
        if range_m <= wanted.min_range_m:
            raise CameraError(_blind(base_from_camera, wanted))
        end = band.depth_at(range_m)
        pixels = np.flatnonzero(seen | floor)
        planes = (
            *(band.near, np.minimum(band.far, end), band.level, band.forward, band.left),
            np.where(band.far >= end, FREE, NOTHING),
        )
        near, far, level, forward, left, behind = (
            plane.take(pixels).astype(np.float32) for plane in planes
        )
        return cls(
            pixels=pixels,
            near=near,
            far=far,
            level=level,
            forward=forward,
            left=left,
            behind=behind,
            at_camera=band.near.take(pixels) <= CLOSEST_M,
            half=fan.half.take(pixels),
            fan=fan.among(pixels),
            sectors=Sectors.of(fan.bearings, band.place, range_m),
            range_m=range_m,
        )

    def distances(
        self, believed: FilteredDepth, missing: Missing | None = None
    ) -> tuple[Plane, Hits]:
        """
        Return what there is.

        :param missing: floor that is to be an obstacle; None: none is
        :return: the nearest obstacle of every camera bearing, or what is said instead [m]; and
            every obstacle there is
        """
        depth = believed.depth.take(self.pixels)
        obstacle = depth >= self.near
        passed = depth >= self.far
        obstacle &= ~passed
        with np.errstate(invalid='ignore'):  # an infinite depth straight up or down
            values = np.where(obstacle, depth * self.level, BLOCKED)
        np.copyto(values, self.behind, where=passed)
        flying = None if believed.flying is None else believed.flying.take(self.pixels)
        if flying is not None:
            values[flying] = NOTHING  # what it flies between is seen beside it
        too_near = depth == -np.inf
        if too_near.any():
            values[too_near & self.at_camera] = TOO_NEAR
        if missing is not None:
            where, floor = missing.where.take(self.pixels), missing.floor.take(self.pixels)
            obstacle |= where
            depth = np.where(where, floor, depth)
            values[where] = (floor * self.level)[where]
        least = self.fan.least(values, NOTHING)
        if self.sectors.is_centred:
            return least, self.sectors.straight(least)
        if flying is not None:
            obstacle &= ~flying
        hits = np.flatnonzero(obstacle)
        away = depth.take(hits)
        forward, left = self.forward.take(hits) * away, self.left.take(hits) * away
        return least, Hits(forward, left, self.half.take(hits))


class ScanBuilder:
    """
    Builds scans with the same settings; what depends on camera and mount alone is kept.

    The bearings are the same as long as camera and mount are.

    :param settings: what is an obstacle, and how far
    :param trust: which depth to believe in, shared with the cloud; None: as by default
    :param max_depth_m: farther depth is infinite
    :param drop_off: finds missing floor; None: nobody looks for it
    """

    def __init__(
        self,
        settings: ScanSettings,
        trust: DepthFilter | None = None,
        max_depth_m: float = math.inf,
        drop_off: DropOff | None = None,
    ) -> None:
        self.settings = settings
        self._trust = trust or DepthFilter(PointsSettings())
        self._max_depth_m = max_depth_m
        self._drop_off = drop_off or DropOff(DropOffSettings(), settings)
        self._place: tuple[Camera, Matrix] | None = None
        self._view: ScanView | None = None

    def build(self, estimate: Estimate, base_from_camera: Matrix, base_frame: str) -> Scan:
        """
        Tell the nearest obstacle per bearing around the base.

        Obstacles are what stands in the height band and is not the ground. A range is +Inf only
        where the camera saw, along that bearing and up to the end of the range, that there is
        none; where it saw none but not enough to tell, it is NaN.

        :param estimate: with depth in metres
        :param base_from_camera: the mount, z up and the ground at zero, shape (4, 4)
        :param base_frame: frame of the scan
        :raises FrameError: the estimate has no depth
        :raises CameraError: from its mount, the camera sees none of the band
        """
        if estimate.camera is None:
            raise FrameError('a scan needs an estimate with depth: none was asked for')
        view = self._view_of(estimate.camera, base_from_camera)
        believed = self._trust.believed(estimate)
        missing = self._drop_off.find(believed.depth, estimate.camera, base_from_camera)
        distances, hits = view.distances(believed, missing)
        bearings = view.sectors.around_base
        return Scan(
            stamp_ns=estimate.stamp_ns,
            frame_id=base_frame,
            ranges=view.sectors.ranges(distances, hits, self.settings.min_range_m),
            angle_min=bearings.middle + bearings.first,
            angle_increment=bearings.increment,
            range_min=self.settings.min_range_m,
            range_max=view.range_m,
        )

    def _view_of(self, camera: Camera, base_from_camera: Matrix) -> ScanView:
        if self._view is None or not self._is_at(camera, base_from_camera):
            floor = self._drop_off.judged(camera, base_from_camera)
            wanted, farthest_m = self.settings, self._max_depth_m
            self._view = ScanView.of(camera, base_from_camera, wanted, farthest_m, floor)
            self._place = (camera, base_from_camera.copy())
        return self._view

    def _is_at(self, camera: Camera, base_from_camera: Matrix) -> bool:
        if self._place is None or self._place[0] != camera:
            return False
        return bool(np.abs(self._place[1] - base_from_camera).max() < STILL)


def _blind(base_from_camera: Matrix, wanted: ScanSettings) -> str:
    return (
        f'the camera, {base_from_camera[2, 3]:.2f} m above the base, sees nothing between '
        f'scan.min_height_m {wanted.min_height_m} and scan.max_height_m {wanted.max_height_m} '
        'within the range: check its mount and the band'
    )
