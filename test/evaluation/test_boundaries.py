import cv2
import numpy as np
import pytest

from lsd_ros.evaluation.boundaries import (
    BoundaryErrors,
    boundary_errors,
    depth_edges,
    mean_boundaries,
)


def step(column, near=2.0, far=4.0, shape=(60, 100)):
    depth = np.full(shape, far, np.float32)
    depth[:, :column] = near
    return depth


def test_an_edge_is_found_where_it_is_whatever_the_scale():
    for factor in (0.1, 1.0, 10.0):
        rows, columns = np.nonzero(depth_edges(step(50) * np.float32(factor)))
        assert set(np.unique(rows)) >= set(range(5, 55))
        assert np.abs(columns - 49.5).max() <= 1


def test_a_floor_has_no_edges_and_small_steps_are_none():
    inverse = np.linspace(0.3, 1, 60, dtype=np.float32)[:, None].repeat(100, axis=1)
    assert not depth_edges(1 / inverse)[:, 5:-5].any()
    assert not depth_edges(step(50, 2.0, 2.2)).any()


@pytest.mark.parametrize('shift', [0, 3, 6])
def test_errors_are_the_pixels_that_an_edge_is_moved_by(shift):
    found = boundary_errors(step(50 + shift), step(50))
    assert found.accuracy == pytest.approx(shift, abs=0.3)
    assert found.completeness == pytest.approx(shift, abs=0.3)


def test_a_missing_edge_is_incomplete_and_one_too_many_far_off_is_no_neighbour():
    flat = np.full((60, 100), 3.0, np.float32)
    assert boundary_errors(flat, step(50)) == BoundaryErrors(None, 10.0)
    assert boundary_errors(step(50), flat) == BoundaryErrors(None, None)
    soft = cv2.GaussianBlur(step(50), (0, 0), 12)
    assert boundary_errors(soft, step(50)).completeness == 10.0


def test_sparse_truth_has_no_edges():
    truth = step(50)
    truth[::2] = np.nan
    assert boundary_errors(step(50), truth) is None


def test_holes_of_the_truth_are_no_edges():
    truth = step(50)
    truth[20:30, 70:90] = np.nan
    assert boundary_errors(step(50), truth).completeness == pytest.approx(0, abs=0.3)


def test_means_leave_out_what_has_no_edges():
    assert mean_boundaries(
        [BoundaryErrors(1.0, 2.0), BoundaryErrors(None, 4.0)]
    ) == BoundaryErrors(1.0, 3.0)
    assert mean_boundaries([]) is None
