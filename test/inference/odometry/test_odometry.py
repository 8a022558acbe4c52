import cv2
import numpy as np
import pytest

from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.inference.odometry.odometry import Odometry
from lsd_ros.inference.odometry.odometry_settings import OdometrySettings
from lsd_ros.types import MotionNoise, Scale

IMAGE = np.zeros((32, 64, 3), np.uint8)
TENTH_NS = 100_000_000


def pose(translation, rotation_vector):
    matrix = np.eye(4)
    matrix[:3, :3] = cv2.Rodrigues(np.array(rotation_vector, float))[0]
    matrix[:3, 3] = translation
    return matrix


def vector(matrix):
    return np.concatenate([matrix[:3, 3], cv2.Rodrigues(matrix[:3, :3])[0].ravel()])


class DrivenCamera:
    """A camera on a known path; its frames carry their number, so a network can be perfect."""

    def __init__(self, count, seed=0):
        rng = np.random.default_rng(seed)
        self.world_from_camera = [np.eye(4)]
        for _ in range(count - 1):
            step = pose(rng.normal([0, 0, 0.5], 0.1), rng.normal(0, 0.05, 3))
            self.world_from_camera.append(self.world_from_camera[-1] @ step)

    def frame(self, number):
        image = IMAGE.copy()
        image[0, 0, 0] = number
        return image

    def network(self, frames):
        before, target, after = (self.world_from_camera[int(f[0, 0, 0])] for f in frames)
        motions = [np.linalg.inv(other) @ target for other in (before, after)]
        return np.array([vector(m) for m in motions], np.float32)


def metric(factor=1.0, deviation=0.0):
    return Scale(factor, True, 'fixed', deviation)


def run(odometry, camera, numbers, scale=None, stamps=None):
    results = []
    for i, number in enumerate(numbers):
        stamp = TENTH_NS * number if stamps is None else stamps[i]
        motion = odometry.update(stamp, camera.frame(number), camera.network, scale or metric())
        results.append((motion, odometry.odom_from_camera.copy(), odometry.covariance.copy()))
    return results


def test_a_perfect_network_gives_the_true_path_from_the_first_frame():
    camera = DrivenCamera(30)
    results = run(Odometry(OdometrySettings()), camera, range(30))
    assert [motion is None for motion, _, _ in results[:4]] == [True, True, False, False]
    for number, (_, estimated, _) in list(enumerate(results))[2:]:
        np.testing.assert_allclose(estimated, camera.world_from_camera[number], atol=1e-4)


def test_motion_is_that_between_the_last_two_frames():
    camera = DrivenCamera(10)
    motion = run(Odometry(OdometrySettings()), camera, range(10))[-1][0]
    expected = np.linalg.inv(camera.world_from_camera[9]) @ camera.world_from_camera[8]
    np.testing.assert_allclose(motion.current_from_previous, expected, atol=1e-5)
    assert (motion.previous_ns, motion.current_ns) == (8 * TENTH_NS, 9 * TENTH_NS)


def test_scale_is_applied_and_a_later_change_moves_nothing_behind():
    camera = DrivenCamera(12)
    odometry = Odometry(OdometrySettings())
    before = run(odometry, camera, range(6), scale=metric(2.0))[-1][1]
    np.testing.assert_allclose(before[:3, 3], 2 * camera.world_from_camera[5][:3, 3], atol=1e-3)
    after = run(odometry, camera, range(6, 7), scale=metric(7.0))[-1][1]
    true_step = np.linalg.inv(camera.world_from_camera[5]) @ camera.world_from_camera[6]
    step = np.linalg.inv(before) @ after
    np.testing.assert_allclose(step[:3, 3], 7 * true_step[:3, 3], atol=1e-3)


def test_covariance_grows_and_stays_finite_and_positive():
    camera = DrivenCamera(200)
    results = run(Odometry(OdometrySettings()), camera, range(200))
    sizes = [np.trace(covariance) for _, _, covariance in results[2:]]
    assert (np.diff(sizes) > 0).all()
    for _, _, covariance in results[2::40]:
        assert np.isfinite(covariance).all()
        np.testing.assert_allclose(covariance, covariance.T, atol=1e-9)
        assert np.linalg.eigvalsh(covariance).min() > 0


def test_a_gap_breaks_the_chain_and_keeps_the_pose():
    camera = DrivenCamera(40)
    odometry = Odometry(OdometrySettings(max_gap_s=0.35))
    held, covariance = run(odometry, camera, range(10))[-1][1:]
    results = run(odometry, camera, [20, 21, 22])
    assert [motion is None for motion, _, _ in results] == [True, True, False]
    np.testing.assert_array_equal(results[0][1], held)
    np.testing.assert_array_equal(results[1][2], LOST_VARIANCE * np.eye(6))
    assert np.trace(results[2][2]) > np.trace(covariance) + 1.0, 'a second at five metres a second'
    assert np.trace(results[2][2]) < LOST_VARIANCE / 100
    true_steps = np.linalg.inv(camera.world_from_camera[20]) @ camera.world_from_camera[22]
    np.testing.assert_allclose(results[2][1], held @ true_steps, atol=1e-4)


def test_a_lost_frame_within_the_gap_is_bridged():
    camera = DrivenCamera(20)
    end = run(Odometry(OdometrySettings()), camera, [0, 1, 2, 4, 5, 7, 8])[-1][1]
    np.testing.assert_allclose(end, camera.world_from_camera[8], atol=1e-4)


def test_time_running_backwards_starts_anew():
    camera = DrivenCamera(20)
    odometry = Odometry(OdometrySettings())
    grown = run(odometry, camera, range(10))[-1][2]
    results = run(odometry, camera, [3, 4, 5])
    np.testing.assert_array_equal(results[0][1], np.eye(4))
    assert results[2][0] is not None
    assert np.trace(results[2][2]) < np.trace(grown) / 2


def test_the_same_frame_twice_moves_nothing():
    camera = DrivenCamera(10)
    odometry = Odometry(OdometrySettings())
    held = run(odometry, camera, range(5))[-1][1]
    assert run(odometry, camera, [4])[0][0] is None
    np.testing.assert_array_equal(odometry.odom_from_camera, held)
    np.testing.assert_allclose(
        run(odometry, camera, [5])[0][1], camera.world_from_camera[5], atol=1e-4
    )


@pytest.mark.parametrize('value', [np.nan, np.inf])
def test_numbers_that_are_none_never_reach_the_pose(value, caplog):
    camera = DrivenCamera(10)
    odometry = Odometry(OdometrySettings())
    held = run(odometry, camera, range(5))[-1][1]
    motion = odometry.update(
        5 * TENTH_NS, camera.frame(5), lambda _: np.full((2, 6), value, np.float32), metric()
    )
    assert motion is None
    assert 'motion is broken off' in caplog.text
    np.testing.assert_array_equal(odometry.odom_from_camera, held)


def test_a_pause_costs_the_steps_in_between_only():
    camera = DrivenCamera(20)
    odometry = Odometry(OdometrySettings())
    held = run(odometry, camera, range(5))[-1][1]
    odometry.pause()
    results = run(odometry, camera, [5, 6, 7])
    np.testing.assert_array_equal(results[1][1], held)
    assert results[2][0] is not None


def test_reset_makes_the_next_frame_the_origin():
    camera = DrivenCamera(20)
    odometry = Odometry(OdometrySettings())
    run(odometry, camera, range(5))
    odometry.reset()
    end = run(odometry, camera, [5, 6, 7])[-1][1]
    expected = np.linalg.inv(camera.world_from_camera[5]) @ camera.world_from_camera[7]
    np.testing.assert_allclose(end, expected, atol=1e-4)


def test_an_image_of_another_size_starts_a_new_chain():
    camera = DrivenCamera(20)
    odometry = Odometry(OdometrySettings())
    run(odometry, camera, range(5))
    other = np.zeros((64, 64, 3), np.uint8)
    assert odometry.update(5 * TENTH_NS, other, camera.network, metric()) is None
    assert odometry.update(6 * TENTH_NS, other, camera.network, metric()) is None


UNKNOWN = Scale(1.0, False, 'checkpoint')


def test_it_is_lost_until_it_knows_a_motion_and_says_so_in_finite_numbers():
    camera = DrivenCamera(10)
    odometry = Odometry(OdometrySettings())
    assert odometry.lost
    results = run(odometry, camera, range(4))
    for _, _, covariance in results[:2]:
        np.testing.assert_array_equal(covariance, LOST_VARIANCE * np.eye(6))
    assert np.trace(results[2][2]) < 1
    assert not odometry.lost


def test_told_that_it_is_lost_it_recovers_with_what_it_may_have_missed():
    camera = DrivenCamera(40)
    odometry = Odometry(OdometrySettings())
    held, covariance = run(odometry, camera, range(10))[-1][1:]
    odometry.pause()
    assert odometry.lost
    assert odometry.covariance[0, 0] == LOST_VARIANCE
    np.testing.assert_array_equal(odometry.odom_from_camera, held)
    recovered = run(odometry, camera, [13, 14, 15])[-1]
    assert not odometry.lost
    speed = np.linalg.norm(np.diff([p[:3, 3] for p in camera.world_from_camera[8:10]], axis=0))
    missed = 4 * speed
    grown = recovered[2] - covariance
    assert np.sqrt(np.trace(grown[:3, :3])) > missed
    steps = np.linalg.inv(camera.world_from_camera[13]) @ camera.world_from_camera[15]
    np.testing.assert_allclose(recovered[1], held @ steps, atol=1e-4)


def test_without_metres_the_place_stands_still_and_the_rotation_goes_on():
    camera = DrivenCamera(12)
    odometry = Odometry(OdometrySettings())
    results = run(odometry, camera, range(8), scale=UNKNOWN)
    pose, covariance = results[-1][1:]
    np.testing.assert_array_equal(pose[:3, 3], 0)
    np.testing.assert_allclose(pose[:3, :3], camera.world_from_camera[7][:3, :3], atol=1e-4)
    np.testing.assert_array_equal(covariance, LOST_VARIANCE * np.eye(6))
    # the scale settles: the place of this moment is the origin, nobody has been told another
    first = run(odometry, camera, [8], scale=metric(2.0))[-1]
    assert not odometry.lost
    before = np.eye(4)
    before[:3, :3] = camera.world_from_camera[7][:3, :3]
    step = np.linalg.inv(camera.world_from_camera[7]) @ camera.world_from_camera[8]
    np.testing.assert_allclose(first[1][:3, 3], 2 * (before @ step)[:3, 3], atol=1e-3)
    assert np.trace(first[2][:3, :3]) < 0.2, 'that of one step of a metre'


def test_a_scale_that_is_lost_on_the_way_costs_the_way_in_sureness_and_no_jump():
    camera = DrivenCamera(30)
    odometry = Odometry(OdometrySettings())
    held = run(odometry, camera, range(10), scale=metric(2.0))[-1][1]
    during = run(odometry, camera, range(10, 20), scale=UNKNOWN)
    np.testing.assert_array_equal(during[-1][1][:3, 3], held[:3, 3])
    pose, covariance = run(odometry, camera, [20], scale=metric(2.0))[-1][1:]
    assert np.linalg.norm(pose[:3, 3] - held[:3, 3]) < 2.0, 'one step of about a metre'
    error = pose[:3, 3] - 2 * camera.world_from_camera[20][:3, 3]
    assert np.linalg.norm(error) > 5
    assert error @ np.linalg.solve(covariance[:3, :3], error) < 7.8, '95 % with three freedoms'


def test_a_jump_of_years_stays_finite():
    camera = DrivenCamera(10)
    odometry = Odometry(OdometrySettings())
    run(odometry, camera, range(5))
    later = 10**18
    stamps = [later, later + TENTH_NS, later + 2 * TENTH_NS]
    covariance = run(odometry, camera, [5, 6, 7], stamps=stamps)[-1][2]
    assert np.isfinite(covariance).all()
    assert not odometry.lost


def test_measured_noise_counts_unless_the_settings_say_otherwise():
    camera = DrivenCamera(5)
    measured = MotionNoise(0.5, 0.01, 0.0, 0.0, (1.0, 2.0, 3.0))
    motion = run(Odometry(OdometrySettings(), measured), camera, range(5))[-1][0]
    degrees = np.rad2deg(np.sqrt(np.diag(motion.covariance)[3:]))
    np.testing.assert_allclose(degrees, (1.0, 2.0, 3.0), rtol=1e-6)
    settings = OdometrySettings(rotation_error_deg=0.7)
    motion = run(Odometry(settings, measured), camera, range(5))[-1][0]
    degrees = np.rad2deg(np.sqrt(np.diag(motion.covariance)[3:]))
    np.testing.assert_allclose(degrees, 0.7, rtol=1e-6)
    way = np.linalg.inv(motion.current_from_previous)[:3, 3]
    along = way @ motion.covariance[:3, :3] @ way / (way @ way)
    assert np.sqrt(along) == pytest.approx(0.5 * np.linalg.norm(way), rel=1e-6)
