import numpy as np
import pytest

from lsd_ros.errors import FrameError
from lsd_ros.evaluation.obstacles import obstacle_errors, summarise_obstacles

INF, NAN = np.inf, np.nan


def scan(*ranges):
    return np.array(ranges, np.float32)


def test_missed_false_and_unknown_are_what_a_robot_would_call_so():
    truth = scan(2.0, 2.0, 2.0, 2.0, 6.0, INF, NAN, 4.0)
    told = scan(2.0, INF, 2.6, NAN, 2.0, 1.0, 1.0, 2.9)
    #           right free  far  ?   false false -  too near
    found = obstacle_errors(told, truth, 5.0)
    assert found.obstacles.sum() == 5
    assert found.missed.sum() == 2
    assert found.unknown.sum() == 1
    assert found.false.sum() == 3
    assert found.known.sum() == 7, 'what is known free further off would hide false obstacles'
    assert sorted(found.errors) == pytest.approx([0, 0.275, 0.3])


def test_each_counts_where_it_stands():
    found = obstacle_errors(scan(INF, INF, 0.5), scan(1.0, 4.5, INF), 4 * 1.25)
    assert found.near_m.tolist() == [0, 1.25, 2.5, 3.75]
    assert found.missed.tolist() == [1, 0, 0, 1]
    assert found.false.tolist() == [1, 0, 0, 0]
    summary = summarise_obstacles([found, found])
    assert (summary.scans, summary.obstacles, summary.missed) == (2, 4, 1.0)
    assert summary.by_distance[0] == {'from_m': 0, 'missed': 1.0, 'false': 0.5, 'obstacles': 2}
    assert summary.by_distance[1]['missed'] is None


def test_limits_belong_to_what_is_right():
    truth = scan(1.0, 1.0)
    assert obstacle_errors(scan(1.25, 0.8), truth, 5.0).missed.sum() == 0
    assert obstacle_errors(scan(1.25, 0.8), truth, 5.0).false.sum() == 0


def test_too_near_to_tell_is_an_obstacle():
    assert obstacle_errors(scan(-INF), scan(-INF), 5.0).missed.sum() == 0
    assert obstacle_errors(scan(INF), scan(-INF), 5.0).missed.sum() == 1
    assert obstacle_errors(scan(-INF), scan(3.0), 5.0).false.sum() == 1


def test_scans_of_other_bearings_are_refused():
    with pytest.raises(FrameError, match='must have the same bearings'):
        obstacle_errors(scan(1.0), scan(1.0, 2.0), 5.0)
    with pytest.raises(FrameError, match='no scan was compared'):
        summarise_obstacles([])
