import numpy as np
import pytest

from lsd_ros.errors import FrameError
from lsd_ros.inference.obstacles.cloud import CloudBuilder, nearest_pixels, rgb_bits
from lsd_ros.inference.obstacles.obstacle_settings import PointsSettings
from lsd_ros.types import Camera, Estimate, Scale

CAMERA = Camera(width=6, height=4, fx=5.0, fy=4.0, cx=2.5, cy=1.5)
SCALE = Scale(1.0, metric=True, source='fixed')
DEPTH = np.linspace(1, 12, 24, dtype=np.float32).reshape(4, 6)
IMAGE = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)


def estimate(depth=DEPTH, camera=CAMERA, image=IMAGE):
    return Estimate(7, 'camera', SCALE, camera=camera, depth=depth.copy(), image=image)


def cloud(depth=DEPTH, base_from_camera=None, **values):
    return CloudBuilder(PointsSettings(**{'edge_width': 0, **values})).build(
        estimate(depth), base_from_camera
    )


def expected_points(depth=DEPTH):
    """One loop, one equation: what the array operation is held against."""
    return np.array(
        [
            [(u - 2.5) / 5.0 * depth[v, u], (v - 1.5) / 4.0 * depth[v, u], depth[v, u]]
            for v in range(4)
            for u in range(6)
        ],
        np.float32,
    )


@pytest.mark.parametrize('rgb', [True, False])
def test_points_are_where_the_pinhole_model_puts_them(rgb):
    result = cloud(rgb=rgb)
    assert (result.stamp_ns, result.frame_id, result.dense) == (7, 'camera', True)
    assert result.points.shape == (1, 24, 4 if rgb else 3)
    np.testing.assert_allclose(result.points[0, :, :3], expected_points(), rtol=1e-6)


def test_colours_are_the_bits_that_pcl_reads():
    bits = rgb_bits(np.array([[[255, 128, 1], [0, 0, 7]]], np.uint8))
    assert bits.view(np.uint32).tolist() == [[0xFF8001, 7]]
    packed = cloud().points[0, :, 3].copy().view(np.uint32)
    red, green, blue = (IMAGE.reshape(-1, 3).astype(np.uint32)).T
    np.testing.assert_array_equal(packed, red << 16 | green << 8 | blue)


def test_a_list_holds_the_valid_points_only():
    depth = DEPTH.copy()
    depth[0, :3] = np.nan, np.inf, -np.inf
    result = cloud(depth)
    assert result.dense
    np.testing.assert_allclose(result.points[0, :, :3], expected_points(depth)[3:], rtol=1e-6)


def test_an_organised_cloud_keeps_the_grid_and_marks_the_rest():
    depth = DEPTH.copy()
    depth[1, 2] = np.inf
    result = cloud(depth, organised=True, max_range_m=9.0)
    assert result.points.shape == (4, 6, 4)
    assert not result.dense
    dropped = np.linalg.norm(expected_points().reshape(4, 6, 3), axis=2) > 9.0
    dropped[1, 2] = True
    np.testing.assert_array_equal(np.isnan(result.points[..., :3]).all(axis=2), dropped)
    assert np.isfinite(result.points[..., :3][~dropped]).all()


def test_heights_are_measured_in_the_base_frame():
    base_from_camera = np.eye(4)
    base_from_camera[:3, :3] = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]
    base_from_camera[2, 3] = 0.5
    heights = (base_from_camera[:3, :3] @ expected_points().T)[2] + 0.5
    result = cloud(base_from_camera=base_from_camera, min_height_m=0.0, max_height_m=2.0)
    wanted = expected_points()[(heights >= 0) & (heights <= 2)]
    np.testing.assert_allclose(result.points[0, :, :3], wanted, rtol=1e-6)


def test_without_a_base_heights_are_above_the_camera():
    result = cloud(min_height_m=0.0)
    assert (result.points[0, :, 1] <= 0).all()
    assert result.points.shape[1] == 12


@pytest.mark.parametrize('size', [2, 3, 4, 7])
def test_decimation_keeps_the_nearest_point_of_every_cell(size):
    rng = np.random.default_rng(size)
    depth = rng.uniform(1, 9, (10, 13)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.3] = np.nan
    depth[rng.random(depth.shape) < 0.1] = -np.inf
    rows, columns = np.divmod(nearest_pixels(depth, size), 13)
    for row in range(-(-10 // size)):
        for column in range(-(-13 // size)):
            cell = depth[row * size : (row + 1) * size, column * size : (column + 1) * size]
            valid = cell[cell > 0]
            chosen = depth[rows[row, column], columns[row, column]]
            assert not valid.size or chosen == valid.min()
            assert rows[row, column] // size == row
            assert columns[row, column] // size == column


def test_a_thin_pole_survives_decimation():
    camera = Camera(width=64, height=32, fx=50, fy=50, cx=31.5, cy=15.5)
    depth = np.full((32, 64), 10.0, np.float32)
    depth[:, 37] = 2.0
    image = np.zeros((32, 64, 3), np.uint8)
    builder = CloudBuilder(PointsSettings(decimation=8, organised=True))
    points = builder.build(estimate(depth, camera, image)).points
    assert points.shape == (4, 8, 4)
    assert (points[:, 37 // 8, 2] == 2.0).all()


def test_a_new_camera_gets_new_rays():
    builder = CloudBuilder(PointsSettings(rgb=False, edge_width=0))
    builder.build(estimate())
    other = Camera(width=6, height=4, fx=10.0, fy=8.0, cx=2.5, cy=1.5)
    points = builder.build(estimate(camera=other)).points[0]
    np.testing.assert_allclose(points[:, :2], expected_points()[:, :2] / 2, rtol=1e-6)


def test_no_depth_no_cloud():
    with pytest.raises(FrameError, match='need an estimate with depth'):
        CloudBuilder(PointsSettings()).build(Estimate(0, 'camera', SCALE))
