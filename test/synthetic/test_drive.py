from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lsd_ros.errors import CameraError, DatasetError
from lsd_ros.synthetic.drive import PLACES, Sensor, SyntheticDrive, World
from lsd_ros.types import Camera, Distortion

CAMERA = Camera(width=208, height=64, fx=120.0, fy=118.0, cx=103.3, cy=31.6)
KINDS = tuple(PLACES)
WORLDS = [(kind, seed) for kind in KINDS for seed in range(3)]


def _drive(kind: str, seed: int = 0, frames: int = 3, **options: object) -> SyntheticDrive:
    return SyntheticDrive(kind, seed, CAMERA, frames, **{'rate_hz': 10.0, **options})  # type: ignore[arg-type]


def _seen_again(
    depth: NDArray[np.float32],
    other_depth: NDArray[np.float32],
    other_from_this: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return inverse depth of every point in the other camera, and what that camera measured."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width]
    near = np.isfinite(depth)
    rays = np.linalg.inv(CAMERA.matrix) @ np.stack((u[near], v[near], np.ones(near.sum())))
    points = other_from_this[:3, :3] @ (rays * depth[near]) + other_from_this[:3, 3:]
    pixels = (CAMERA.matrix @ points / points[2])[:2].astype(np.float32)
    inside = (pixels[0] > 0) & (pixels[0] < CAMERA.width - 1)
    inside &= (pixels[1] > 0) & (pixels[1] < CAMERA.height - 1) & (points[2] > 0.1)
    pixels = pixels[:, inside]
    # inverse depth is linear on a plane, so that interpolating it is exact there
    measured = cv2.remap(1 / other_depth, pixels[:1], pixels[1:], cv2.INTER_LINEAR)[0]
    return 1 / points[2, inside], measured.astype(np.float64)


@pytest.mark.parametrize(('kind', 'seed'), WORLDS)
def test_depth_of_two_frames_is_of_one_world(kind: str, seed: int) -> None:
    world = World(kind, seed)
    pose, other_pose = world.path.pose(2.0), world.path.pose(2.2)
    depth, other_depth = (world.depth(CAMERA, at) for at in (pose, other_pose))
    expected, measured = _seen_again(depth, other_depth, np.linalg.inv(other_pose) @ pose)
    error = np.abs(measured / expected - 1)
    assert len(error) > 0.3 * depth.size
    assert np.mean(error < 0.01) > 0.8  # the rest lies behind or beside an edge
    assert np.median(error) < 1e-3


@pytest.mark.parametrize('kind', KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kind: str) -> None:
    first, again = (next(iter(_drive(kind, 5))) for _ in range(2))
    assert first.frame.image.tobytes() == again.frame.image.tobytes()
    assert first.depth.tobytes() == again.depth.tobytes()
    assert np.array_equal(first.world_from_camera, again.world_from_camera)
    other = World(kind, 6).depth(CAMERA, first.world_from_camera)
    assert first.depth.tobytes() != other.tobytes()


@pytest.mark.parametrize(
    ('kind', 'speed', 'height'),
    [
        ('room', (0.1, 1.5), (0.5, 1.1)),
        ('corridor', (0.2, 1.6), (0.5, 1.1)),
        ('street', (1.4, 12.0), (1.55, 1.75)),
        ('road', (3.0, 15.0), (1.55, 1.75)),
    ],
)
@pytest.mark.parametrize('seed', range(3))
def test_the_camera_moves_as_a_robot_or_car_does(
    kind: str, seed: int, speed: tuple[float, float], height: tuple[float, float]
) -> None:
    drive = SyntheticDrive(kind, seed, CAMERA, 900, rate_hz=10.0)
    poses = drive.trajectory.world_from_camera
    steps = np.linalg.norm(np.diff(poses[:, :2, 3], axis=0), axis=1) * 10
    assert speed[0] < steps.min()
    assert steps.max() < speed[1]
    assert height[0] < poses[:, 2, 3].min()
    assert poses[:, 2, 3].max() < height[1]
    relative = np.linalg.inv(poses[:-1]) @ poses[1:]
    angles = np.arccos(np.clip((np.trace(relative[:, :3, :3], axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert angles.max() * 10 < 2.0
    assert np.rad2deg(angles.sum()) > 360
    jumps = np.linalg.norm(np.diff(poses[:, :3, 3], n=2, axis=0), axis=1) * 100
    assert jumps.max() < 8.0
    assert np.all(np.einsum('ij,ij->i', poses[:-1, :3, 2], np.diff(poses[:, :3, 3], axis=0)) > 0)


@pytest.mark.parametrize(('kind', 'seed'), WORLDS)
def test_the_camera_keeps_clear_of_everything(kind: str, seed: int) -> None:
    place = PLACES[kind](np.random.default_rng(seed))
    way = place.path.points[::32].astype(np.float32)
    assert np.all((place.low + 0.5 < way) & (way < place.high - 0.5))
    overhead = {
        float(shape.centre[2] + shape.radii[2])
        for shape in place.still.rounds
        if not shape.cylinder and shape.centre[2] - shape.radii[2] > 2.2
    }
    standing = [outline for outline, top in place.still.footprints if top not in overhead]
    assert standing
    for outline in standing:
        hull = cv2.convexHull(outline.astype(np.float32))
        nearest = max(cv2.pointPolygonTest(hull, tuple(map(float, at)), True) for at in way)
        assert nearest < -0.3


@pytest.mark.parametrize(('kind', 'seed'), WORLDS)
def test_nothing_ever_blocks_the_camera(kind: str, seed: int) -> None:
    world = World(kind, seed)
    for time in np.linspace(0, world.path.period_s, 24):
        assert world.depth(CAMERA.resized(52, 16), world.path.pose(time), time).min() > 0.3


@pytest.mark.parametrize('kind', KINDS)
def test_pictures_are_neither_dark_nor_bright_nor_plain(kind: str) -> None:
    world = World(kind)
    for time in np.linspace(0, world.path.period_s, 12):
        picture, _ = world.render(CAMERA.resized(104, 32), world.path.pose(time), time)
        assert 25 < picture.mean() < 230
        assert picture.std() > 12


def test_the_sky_is_at_infinity_and_only_outdoors() -> None:
    for kind in KINDS:
        world = World(kind)
        depth = world.depth(CAMERA, world.path.pose(0.0))
        assert np.isinf(depth).any() == (kind in ('street', 'road'))


def test_cars_move_only_where_asked_for() -> None:
    pose = World('street').path.pose(0.0)
    still, moving = World('street'), World('street', moving=True)
    assert np.array_equal(still.depth(CAMERA, pose, 0.0), still.depth(CAMERA, pose, 2.0))
    assert not np.array_equal(moving.depth(CAMERA, pose, 0.0), moving.depth(CAMERA, pose, 2.0))


def test_noise_is_as_strong_as_asked_for_and_the_same_every_time() -> None:
    clean = _drive('room').sample(1).frame.image.astype(float)
    noisy = _drive('room', sensor=Sensor(noise=4.0)).sample(1).frame.image
    middle = (clean > 30) & (clean < 225)
    assert np.std((noisy - clean)[middle]) == pytest.approx(4.0, rel=0.05)
    assert np.array_equal(noisy, _drive('room', sensor=Sensor(noise=4.0)).sample(1).frame.image)


def test_wrong_calls_are_named() -> None:
    with pytest.raises(
        DatasetError, match="unknown world 'moon': .* room, corridor, street, road"
    ):
        World('moon')
    with pytest.raises(DatasetError, match='seed -1'):
        World('room', -1)
    with pytest.raises(DatasetError, match='0 frames at'):
        _drive('room', frames=0)
    lens = Distortion('plumb_bob', (0.1, 0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), (5, 5, 4, 3))
    with pytest.raises(CameraError, match='without distortion'):
        World('room').depth(Camera(8, 6, 5.0, 5.0, 4.0, 3.0, lens), np.eye(4))
