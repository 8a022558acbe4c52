import numpy as np
import pytest

from lsd_ros.geometry.depth import DisparityRange
from lsd_ros.inference.depth_map import depth_map
from lsd_ros.inference.preview import colour_map

DEPTHS = DisparityRange(0.1, 100.0)


def disparity_of(depth):
    return ((1 / np.asarray(depth) - 0.01) / (10 - 0.01)).astype(np.float32)


def mapped(disparity, size, factor=1.0, low=0.5, high=80.0):
    return depth_map(disparity, size, DEPTHS, factor=factor, min_depth_m=low, max_depth_m=high)


def test_depth_comes_back_at_the_same_size_and_scaled():
    depth = np.linspace(2, 30, 48).reshape(6, 8)
    np.testing.assert_allclose(mapped(disparity_of(depth), (8, 6)), depth, rtol=1e-4)
    np.testing.assert_allclose(mapped(disparity_of(depth), (8, 6), 1.5), 1.5 * depth, rtol=1e-4)


def test_a_slanted_plane_stays_a_plane_when_enlarged():
    """Inverse depth is linear over the image of a plane; pixel areas are scaled, not centres."""
    columns = np.arange(16)
    small = np.tile(0.1 + 0.02 * columns, (8, 1))
    large = mapped(disparity_of(1 / small), (64, 32))
    seen = (np.arange(64) + 0.5) / 4 - 0.5
    inner = slice(4, -4)
    np.testing.assert_allclose(
        1 / large[:, inner], np.tile(0.1 + 0.02 * seen[inner], (32, 1)), rtol=1e-4
    )


def test_out_of_range_is_infinite_and_nothing_is_clipped():
    depth = mapped(disparity_of([[0.2, 0.6, 79.0, 99.0]]), (4, 1))
    assert depth[0, 0] == -np.inf
    assert depth[0, 3] == np.inf
    np.testing.assert_allclose(depth[0, 1:3], [0.6, 79.0], rtol=1e-3)


@pytest.mark.parametrize(
    ('value', 'brightness'), [(np.nan, 3 * 64), (np.inf, 4), (-np.inf, 252 + 255 + 164)]
)
def test_preview_shows_what_is_not_a_number(value, brightness):
    depth = np.full((8, 8), 2.0, np.float32)
    depth[2, 3] = value
    picture = colour_map(depth)
    assert picture.shape == (8, 8, 3)
    assert picture.dtype == np.uint8
    assert picture[2, 3].sum() == brightness
    everything = colour_map(np.full((8, 8), value, np.float32))
    assert (everything.sum(axis=2) == brightness).all()


def test_preview_is_brighter_where_it_is_nearer():
    picture = colour_map(np.array([[1.0, 2.0, 4.0, 8.0, np.inf]], np.float32)).sum(axis=2)[0]
    assert (np.diff(picture.astype(int)) < 0).all()
