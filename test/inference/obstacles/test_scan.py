from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from tracing import CAMERA, GROUND, Array, Level, Pole, Slope, Wall, estimate, mount, traced

from lsd_ros.errors import CameraError, FrameError
from lsd_ros.inference.obstacles.depth_filter import DepthFilter
from lsd_ros.inference.obstacles.obstacle_settings import PointsSettings, ScanSettings
from lsd_ros.inference.obstacles.scan import ScanBuilder
from lsd_ros.synthetic.drive import World
from lsd_ros.types import Camera, Estimate, Scale, Scan

MOUNTS = {
    'level': mount(),
    'tilted': mount(pitch_deg=15, z_m=0.8),
    'rolled and turned': mount(roll_deg=8, yaw_deg=35),
    'ahead': mount(x_m=0.3, y_m=0.1, pitch_deg=8),
    'behind': mount(x_m=-0.3, y_m=-0.1),
    'looking back': mount(x_m=-0.2, yaw_deg=180),
}
every_mount = pytest.mark.parametrize('place', MOUNTS.values(), ids=MOUNTS.keys())


def scan(depth: Any, place: Array, *, camera: Camera = CAMERA, **wanted: float) -> Scan:
    builder = ScanBuilder(ScanSettings(**{'max_range_m': 10.0, **wanted}))
    return builder.build(estimate(depth, camera), place, 'base_link')


def angles(made: Scan) -> Array:
    return made.angle_min + np.arange(len(made.ranges)) * made.angle_increment


def away(made: Scan, bearing: float) -> Array:
    """Return how many bearings each bearing is away from one."""
    off = (angles(made) - bearing + math.pi) % (2 * math.pi) - math.pi
    return np.abs(off) / made.angle_increment


def ahead(place: Array, distance: float, aside: float = 0.0) -> tuple[float, float]:
    """Return x, y of a place in the view of a camera."""
    look = place[:2, 2] / np.linalg.norm(place[:2, 2])
    x, y = place[:2, 3] + distance * look + aside * np.array((-look[1], look[0]))
    return float(x), float(y)


@every_mount
@pytest.mark.parametrize('aside', [-0.8, 0.0, 1.3])
def test_a_pole_is_seen_at_its_bearing_and_range(place: Array, aside: float) -> None:
    pole = Pole(*ahead(place, 3.0, aside), radius=0.06)
    made = scan(traced(GROUND, pole, base_from_camera=place), place)
    off = away(made, pole.bearing)
    width = math.asin(pole.radius / (pole.range + pole.radius)) / made.angle_increment
    assert made.ranges[off.argmin()] == pytest.approx(pole.range, abs=0.01)
    hit = np.isfinite(made.ranges)
    assert hit[off < width - 1].all()
    assert not hit[off > width + 2].any()
    assert (np.abs(made.ranges[hit] - pole.range) < 2 * pole.radius).all()
    assert (made.stamp_ns, made.frame_id) == (7, 'base_link')


@every_mount
def test_a_pole_of_one_pixel_is_seen(place: Array) -> None:
    pole = Pole(*ahead(place, 4.0, -2.0 / CAMERA.fx), radius=2.0 / CAMERA.fx)
    depth = traced(GROUND, pole, base_from_camera=place)
    columns = depth != traced(GROUND, base_from_camera=place)
    assert columns.sum(axis=1).max() <= 2
    made = scan(depth, place)
    seen = np.flatnonzero(np.isfinite(made.ranges))
    assert 1 <= len(seen) <= 3
    assert (away(made, pole.bearing)[seen] <= 2).all()
    np.testing.assert_allclose(made.ranges[seen], pole.range, atol=0.05)


@every_mount
@pytest.mark.parametrize('noise', [0.0, 0.03])
def test_ground_alone_is_free(place: Array, noise: float) -> None:
    rng = np.random.default_rng(3)
    depth = traced(GROUND, base_from_camera=place)
    depth *= (1 + noise * rng.standard_normal(depth.shape)).astype(np.float32)
    made = scan(depth, place)
    assert not np.isfinite(made.ranges).any()
    assert not np.isneginf(made.ranges).any()
    look = math.atan2(place[1, 2], place[0, 2])
    # the outermost bearings of a camera ahead of the base begin beside its view: they are not free
    assert np.isposinf(made.ranges[away(made, look) < 40]).all()


def test_a_car_sees_free_ground_through_noise() -> None:
    place = mount(x_m=1.0, z_m=1.65, pitch_deg=3)
    camera = Camera(416, 128, 240.0, 240.0, 207.5, 63.5)
    rng = np.random.default_rng(4)
    for _ in range(5):
        depth = traced(GROUND, base_from_camera=place, camera=camera)
        depth *= (1 + 0.03 * rng.standard_normal(depth.shape)).astype(np.float32)
        made = scan(depth, place, camera=camera, max_range_m=20.0)
        assert not np.isfinite(made.ranges).any()


@every_mount
def test_what_is_outside_of_the_band_is_no_obstacle(place: Array) -> None:
    around = [Level(2.3), Level(0.05, nearest=2.0, farthest=2.5)]
    sign = Pole(*ahead(place, 4.0), radius=0.3, bottom=2.05, top=2.3)
    low = Pole(*ahead(place, 3.0), radius=0.3, top=0.07)
    made = scan(traced(GROUND, sign, low, *around, base_from_camera=place), place)
    assert not np.isfinite(made.ranges).any()
    assert np.isposinf(made.ranges).any()
    hanging = dataclasses.replace(sign, bottom=1.0)
    assert np.isfinite(scan(traced(GROUND, hanging, base_from_camera=place), place).ranges).any()


@every_mount
def test_a_wall_has_no_holes(place: Array) -> None:
    forward = place[0, 2] > 0
    wall = Wall(2.0 if forward else -2.0)
    for increment in (0.0, 0.1, 2.0):
        made = scan(traced(wall, base_from_camera=place), place, angle_increment_deg=increment)
        if increment:
            assert made.angle_increment == pytest.approx(math.radians(increment))
        seen = np.flatnonzero(~np.isnan(made.ranges))
        assert (np.diff(seen) == 1).all()
        found = np.isfinite(made.ranges)
        truth = np.abs(wall.x / np.cos(angles(made)[found]))
        assert found.sum() * made.angle_increment > 0.6
        np.testing.assert_allclose(made.ranges[found], truth, rtol=max(0.02, 1.5 * increment / 57))


@pytest.mark.parametrize(
    ('kind', 'time_s', 'place'),
    [
        ('street', 3.0, mount(z_m=1.65)),
        ('street', 20.0, mount(z_m=1.65, yaw_deg=-20, pitch_deg=4)),
        ('corridor', 5.0, mount(z_m=0.8, roll_deg=6, yaw_deg=30)),
        ('room', 4.0, mount(x_m=0.25, z_m=0.8, pitch_deg=12)),
        ('room', 9.0, mount(y_m=0.2, z_m=0.4)),
    ],
)
def test_ranges_are_those_of_a_scanner_at_the_base(kind: str, time_s: float, place: Array) -> None:
    world, camera = World(kind, 0), Camera(416, 128, 241.0, 241.0, 207.5, 63.5)
    world_from_base = base_of(world.path.pose(time_s))
    wanted = ScanSettings(
        min_height_m=0.2, max_range_m=15.0, ground_slope_deg=0.0, ground_depth_error=0.0
    )
    depth = world.depth(camera, world_from_base @ place)
    made = ScanBuilder(wanted, DepthFilter(PointsSettings(edge_width=0))).build(
        estimate(depth, camera), place, 'base'
    )
    bearings, truth = scanned(world, world_from_base, place, camera, angles(made).mean())
    truth[truth > made.range_max] = np.inf
    beams = [truth[np.abs(bearings - a) < 1.5 * made.angle_increment] for a in angles(made)]
    low = np.array([beam.min(initial=np.inf) for beam in beams])
    high = np.array([beam.max(initial=0.0) for beam in beams])
    told = ~np.isnan(made.ranges) & np.array([beam.size > 0 for beam in beams])
    assert told[len(told) // 4 : -len(told) // 4].mean() > 0.8
    right = (made.ranges >= low * 0.98 - 0.02) & (made.ranges <= high * 1.02 + 0.02)
    assert right[told].mean() > 0.98


def base_of(world_from_camera: Array) -> Array:
    """Return the level pose of a base below a camera."""
    x, y = world_from_camera[:2, 2] / np.linalg.norm(world_from_camera[:2, 2])
    pose = np.eye(4)
    pose[:2, :2] = ((x, -y), (y, x))
    pose[:2, 3] = world_from_camera[:2, 3]
    return pose


def scanned(
    world: World, world_from_base: Array, place: Array, camera: Camera, middle: float
) -> tuple[Array, Array]:
    """Turn level scanners at many heights; what the camera cannot have in its image is left."""
    line = Camera(900, 1, 400.0, 400.0, 449.5, 0.0)
    tangent = (np.arange(900) - line.cx) / line.fx
    bearings = middle - np.arctan(tangent)
    nearest = np.full(900, np.inf)
    camera_from_base = np.linalg.inv(place)
    for height in np.arange(0.21, 2.0, 0.05):
        look = world_from_base @ mount(z_m=height, yaw_deg=math.degrees(middle))
        ranges = world.depth(line, look)[0] * np.hypot(1, tangent)
        far = np.minimum(ranges, 1e6)
        points = (far * np.cos(bearings), far * np.sin(bearings), np.full(900, height))
        x, y, z = camera_from_base[:3, :3] @ np.stack(points) + camera_from_base[:3, 3:]
        u, v = x / z * camera.fx + camera.cx, y / z * camera.fy + camera.cy
        seen = (z > 0) & (u > -0.5) & (u < camera.width - 0.5) & (v > -0.5)
        seen &= v < camera.height - 0.5
        nearest = np.where(seen, np.minimum(nearest, ranges), nearest)
    return bearings, nearest


# Camera and base apart: what is nearest to the one is not to the other.
APART = {
    'beside, looking across': mount(y_m=-0.5, yaw_deg=60, pitch_deg=10),
    'far ahead': mount(x_m=0.6, pitch_deg=12),
    'behind, looking over': mount(x_m=-0.6, z_m=1.0, pitch_deg=25),
    'corner': mount(x_m=0.4, y_m=0.4, yaw_deg=45, pitch_deg=15),
}


@pytest.mark.parametrize('place', APART.values(), ids=APART.keys())
@pytest.mark.parametrize('seed', range(6))
def test_the_nearest_of_a_bearing_is_that_of_the_base(place: Array, seed: int) -> None:
    rng = np.random.default_rng(seed)
    things = [
        Pole(
            *ahead(place, rng.uniform(0.8, 7), rng.uniform(-2, 2)),
            radius=rng.uniform(0.05, 0.4),
            top=rng.uniform(0.3, 2),
        )
        for _ in range(5)
    ]
    depth = traced(GROUND, *things, base_from_camera=place)
    made = ScanBuilder(
        ScanSettings(max_range_m=10.0), DepthFilter(PointsSettings(edge_width=0))
    ).build(estimate(depth), place, 'base')
    bearings, ranges = seen_from_base(depth, place)
    for bearing, truth in zip(bearings, ranges, strict=True):
        if truth < made.range_max:  # what the camera sees there is no farther for who listens
            assert not np.isposinf(made.ranges[away(made, bearing).argmin()])
            assert made.ranges[away(made, bearing).argmin()] <= truth + 1e-3
    found = np.flatnonzero(np.isfinite(made.ranges))
    assert len(found) > 5
    for index in found:  # and nothing is nearer than it is
        beside = away(made, angles(made)[index])
        near = np.abs((bearings - angles(made)[index] + np.pi) % (2 * np.pi) - np.pi)
        reach = 1.5 * made.angle_increment + 1.5 / CAMERA.fx * 7 / made.ranges[index]
        assert beside[index] == 0
        assert np.min(np.abs(ranges[near < reach] - made.ranges[index]), initial=9) < 0.1


def seen_from_base(depth: Any, place: Array) -> tuple[Array, Array]:
    """Return bearing and range of every pixel whose point is an obstacle for sure."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    rays = np.stack(((u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)))
    known = np.where(np.isfinite(depth), depth, np.nan)
    points = np.einsum('ij,jhw->ihw', place[:3, :3], rays * known) + place[:3, 3][:, None, None]
    slope = math.tan(math.radians(1)) * np.hypot(points[0] - place[0, 3], points[1] - place[1, 3])
    ground = 0.1 + slope + 0.1 * np.maximum(place[2, 3] - points[2], 0)
    obstacle = (points[2] > ground + 0.01) & (points[2] < 1.99)
    x, y = points[0][obstacle], points[1][obstacle]
    return np.arctan2(y, x), np.hypot(x, y)


def test_what_stands_behind_something_low_is_seen_beside_it_from_the_base() -> None:
    place = mount(x_m=0.5, y_m=0.3, z_m=1.0, pitch_deg=20)
    low, high = Wall(1.5), Wall(3.0)
    made_of_both = np.minimum(
        np.where(
            heights(traced(low, base_from_camera=place), place) < 0.5,
            traced(low, base_from_camera=place),
            np.inf,
        ),
        traced(GROUND, high, base_from_camera=place),
    ).astype(np.float32)
    made = scan(made_of_both, place)
    # all bearings that the low wall covers have it, and none of the others is unknown
    hit = np.isfinite(made.ranges)
    assert hit.sum() * made.angle_increment > 1.0
    inner = np.flatnonzero(hit)
    assert hit[inner[0] : inner[-1] + 1].all()


def heights(depth: Any, place: Array) -> Array:
    """Return the height of every pixel's point [m]."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    rays = np.stack(((u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)))
    return np.asarray(np.einsum('j,jhw->hw', place[2, :3], rays * depth) + place[2, 3])


def test_camera_that_looks_across_the_base_tells_the_range_from_the_base() -> None:
    place = mount(x_m=-0.6, y_m=0.0, z_m=0.6, pitch_deg=15)
    # a bar just before the base, and a pole farther from the camera behind it
    bar, pole = Pole(0.5, 0.0, 0.05, top=0.35), Pole(0.35, 0.25, 0.05, top=1.0)
    made = scan(traced(GROUND, bar, pole, base_from_camera=place), place, min_range_m=0.05)
    for thing in (bar, pole):
        told = made.ranges[away(made, thing.bearing).argmin()]
        assert told == pytest.approx(thing.range, abs=0.02)


FLAT = Level(0.0, farthest=2.0)


@pytest.mark.parametrize('place', [mount(), mount(x_m=0.4, y_m=0.2, pitch_deg=10)])
def test_slope_is_an_obstacle_from_where_it_is_steeper_than_is_allowed(place: Array) -> None:
    ramp = traced(FLAT, Slope(2.0, 8.0), base_from_camera=place)
    steep = scan(ramp, place)
    hit = np.isfinite(steep.ranges)
    assert hit.any()
    forward = steep.ranges[hit] * np.cos(angles(steep)[hit])
    assert (forward > 2.0).all()
    assert forward.min() < 2.0 + 2.5  # it rises out of what ground may be wrong by
    allowed = scan(ramp, place, ground_slope_deg=9.0, ground_depth_error=0.0)
    assert not np.isfinite(allowed.ranges).any()
    downhill = scan(traced(FLAT, Slope(2.0, -8.0), base_from_camera=place), place)
    assert not np.isfinite(downhill.ranges).any()


@pytest.mark.parametrize('place', [mount(), mount(x_m=0.4, y_m=0.2, pitch_deg=10)])
def test_things_beyond_a_step_down_are_where_they_are(place: Array) -> None:
    lower = Level(-0.3, nearest=2.0)
    step = scan(traced(FLAT, lower, base_from_camera=place), place)
    assert not np.isfinite(step.ranges).any()  # a hole is no obstacle, unless that is asked for
    pole = Pole(4.0, 0.3, 0.2, bottom=-0.3, top=1.0)
    made = scan(traced(FLAT, lower, pole, base_from_camera=place), place)
    assert made.ranges[away(made, pole.bearing).argmin()] == pytest.approx(pole.range, abs=0.02)
    low = Pole(4.0, 0.3, 0.2, bottom=-0.3, top=0.05)  # its top is below the band
    hidden = scan(traced(FLAT, lower, low, base_from_camera=place), place)
    assert not np.isfinite(hidden.ranges).any()


@every_mount
@pytest.mark.parametrize('what', [np.nan, 'uncertain'])
def test_where_depth_is_invalid_nothing_is_free(place: Array, what: Any) -> None:
    depth = traced(GROUND, base_from_camera=place)
    free = scan(depth, place)
    hole = np.zeros(depth.shape, np.bool_)
    hole[40:90, 80:120] = True
    hole[100, 20] = hole[10, 190] = True
    uncertainty = np.where(np.isfinite(depth), np.float32(0.01), np.nan) * depth
    if what == 'uncertain':
        depth[hole & np.isinf(depth)] = 50.0
        uncertainty[hole] = depth[hole] * 0.5
    else:
        depth[hole] = what
    trust = DepthFilter(PointsSettings(max_uncertainty=0.1))
    seen = estimate(depth, uncertainty=uncertainty)
    made = ScanBuilder(ScanSettings(max_range_m=10.0), trust).build(seen, place, 'base')
    lost = np.isposinf(free.ranges) & np.isnan(made.ranges)
    assert lost.sum() >= 15
    assert not np.isfinite(made.ranges).any()
    rows, columns = (axis.ravel() for axis in np.mgrid[40:90, 82:118])
    pixels = np.stack(
        ((columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy, np.ones(len(rows)))
    )
    forward, left, up = place[:3, :3] @ pixels
    end = 9.0 / np.hypot(forward, left)
    in_band = (place[2, 3] + up * end > 0.4) & (place[2, 3] + up * end < 1.8)
    x, y = place[0, 3] + end * forward, place[1, 3] + end * left
    for bearing in np.arctan2(y, x)[in_band]:
        assert not np.isposinf(made.ranges[away(made, bearing).argmin()])


def test_nothing_valid_is_nothing_seen() -> None:
    made = scan(np.full((128, 208), np.nan, np.float32), mount())
    assert np.isnan(made.ranges).all()


def test_too_near_is_minus_infinity() -> None:
    place = mount()
    depth = traced(GROUND, base_from_camera=place)
    depth[60:70, 100:110] = -np.inf
    made = scan(depth, place)
    near = np.isneginf(made.ranges)
    assert 8 <= near.sum() <= 12
    assert (away(made, 0.0)[near] < 8).all()
    pole = Pole(0.8, 0.0, 0.1)
    close = scan(traced(GROUND, pole, base_from_camera=place), place, min_range_m=0.9)
    assert np.isneginf(close.ranges[away(close, 0.0).argmin()])
    assert not np.isfinite(close.ranges).any()


@pytest.mark.parametrize('seed', range(12))
def test_what_hides_behind_something_is_never_free(seed: int) -> None:
    rng = np.random.default_rng(seed)
    place = mount(*rng.uniform(-0.5, 0.5, 2), yaw_deg=float(rng.uniform(-180, 180)))
    poles = [
        Pole(*ahead(place, rng.uniform(1, 8), rng.uniform(-2, 2)), rng.uniform(0.1, 0.4))
        for _ in range(6)
    ]
    made = scan(traced(GROUND, *poles, base_from_camera=place), place)
    for pole in poles:
        if pole.range < made.range_max:
            half = math.asin(pole.radius / (pole.range + pole.radius)) / made.angle_increment
            behind = away(made, pole.bearing) < half - 1
            assert not np.isposinf(made.ranges[behind]).any()
            assert not (made.ranges[behind] > pole.range + 2 * pole.radius).any()


def test_the_bearings_are_those_of_camera_and_mount() -> None:
    place = mount(yaw_deg=20)
    builder = ScanBuilder(ScanSettings())
    scans = [
        builder.build(estimate(traced(*things, base_from_camera=place)), place, 'base')
        for things in ((GROUND,), (GROUND, Wall(3.0)), (Wall(0.7),))
    ]
    limits = {(s.angle_min, s.angle_increment, len(s.ranges), s.range_max) for s in scans}
    assert len(limits) == 1
    half = math.atan(104 / 160)
    first, last = angles(scans[0])[[0, -1]]
    assert first == pytest.approx(math.radians(20) - half, abs=scans[0].angle_increment)
    assert last == pytest.approx(math.radians(20) + half, abs=scans[0].angle_increment)
    shaken = place.copy()
    shaken[2, 3] += 5e-4
    made = builder.build(estimate(traced(GROUND, base_from_camera=shaken)), shaken, 'base')
    assert (made.angle_min, len(made.ranges)) == (scans[0].angle_min, len(scans[0].ranges))
    turned = builder.build(estimate(traced(GROUND, base_from_camera=mount())), mount(), 'base')
    assert turned.angle_min == pytest.approx(-half, abs=turned.angle_increment)


def test_the_range_ends_where_depth_or_sight_does() -> None:
    sky = np.full((128, 208), np.inf, np.float32)
    short = ScanBuilder(ScanSettings(), max_depth_m=6.0).build(estimate(sky), mount(), 'base')
    assert short.range_max == 6.0
    assert np.isposinf(short.ranges).all()
    down = mount(pitch_deg=50, z_m=1.0)
    made = scan(traced(GROUND, base_from_camera=down), down)
    upper = math.radians(50) - math.atan(64 / 160)
    assert 0.8 < made.range_max < 1.0 / math.tan(upper)
    assert np.isposinf(made.ranges).mean() > 0.7


@pytest.mark.parametrize(
    ('place', 'wanted', 'sentence'),
    [
        (mount(z_m=5.0, pitch_deg=-40), {}, 'the camera, 5.00 m above the base, sees nothing'),
        (mount(x_m=2.0), {'max_range_m': 1.5}, 'the camera is 2.00 m from the base and scan.max_'),
    ],
)
def test_a_mount_that_sees_no_obstacles_is_refused(
    place: Array, wanted: dict[str, float], sentence: str
) -> None:
    with pytest.raises(CameraError, match=sentence):
        scan(traced(GROUND, base_from_camera=place), place, **wanted)


def test_no_depth_no_scan() -> None:
    with pytest.raises(FrameError, match='needs an estimate with depth'):
        ScanBuilder(ScanSettings()).build(Estimate(0, 'c', Scale(1.0, True, 'x')), mount(), 'b')
