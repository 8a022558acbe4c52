"""What the node gives to a robot: every output, and nothing that nobody asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from builtin_interfaces.msg import Time
from nav_msgs.msg import Odometry
from rclpy.qos import QoSReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_srvs.srv import SetBool, Trigger

from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.odometry.noise import LOST_VARIANCE
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.messages.decode import pose_to_matrix, stamp_ns
from lsd_ros.ros.statistics import Outcome
from lsd_ros.types import Frame

OUTPUTS = {
    'depth/image_rect': Image,
    'depth/camera_info': CameraInfo,
    'depth/preview': Image,
    'points': PointCloud2,
    'odom': Odometry,
}
SCALE = 2.0
STEP_NS = 50_000_000  # between two images of the robot


@pytest.fixture(scope='module')
def active(start_robot, weights):
    robot = start_robot(
        {
            'weights': weights,
            'backend': 'torch',
            'diagnostics_period_s': 0.2,
            'scale.source': 'fixed',
            'scale.factor': 2,
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
    )
    robot.activate()
    return robot


@pytest.fixture
def robot(active):
    active.encoding = 'bgr8'
    yield active
    active.ignore()


@pytest.fixture(scope='module')
def engine(weights):
    scale = ScaleSettings(source='fixed', factor=SCALE)
    return Engine.load(EngineSettings(weights=str(weights), backend='torch', scale=scale))


def pixels(message, kind, channels):
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    return rows.view(kind).reshape(message.height, message.width, channels)


def numbers(message):
    """Return the fields of every point, at the offsets that the message declares."""
    names = [field.name for field in message.fields]
    layout = {
        'names': names,
        'formats': ['<u4' if name == 'rgb' else '<f4' for name in names],
        'offsets': [field.offset for field in message.fields],
        'itemsize': message.point_step,
    }
    return np.frombuffer(message.data, np.dtype(layout))


def test_every_output_has_the_stamp_and_frame_of_its_image(robot, scene):
    received = {topic: robot.listen(kind, topic) for topic, kind in OUTPUTS.items()}
    robot.until(lambda: all(received.values()), 'all outputs', lambda: robot.view(scene))
    robot.spin(0.3)
    sent = set(range(0, robot.stamp_ns + 1, 50_000_000))
    for topic, messages in received.items():
        frame = 'odom' if topic == 'odom' else 'camera'
        assert {message.header.frame_id for message in messages} == {frame}
        stamps = [stamp_ns(message.header) for message in messages]
        assert set(stamps) <= sent
        assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(('encoding', 'padding'), [('bgr8', 0), ('bgr8', 40), ('rgba8', 4)])
def test_depth_is_what_the_engine_says_of_the_same_image(robot, engine, scene, encoding, padding):
    robot.encoding = encoding
    depths = robot.listen(Image, 'depth/image_rect')
    infos = robot.listen(CameraInfo, 'depth/camera_info')
    robot.until(lambda: depths and infos, 'depth', lambda: robot.view(scene, padding=padding))
    expected = engine.process(Frame(1, 'camera', scene, robot.camera_of(scene)), motion=False)
    depth = depths[-1]
    assert (depth.encoding, depth.width, depth.height) == ('32FC1', 96, 64)
    np.testing.assert_allclose(pixels(depth, '<f4', 1)[..., 0], expected.depth, rtol=1e-4)
    (info,) = [i for i in infos if i.header == depths[0].header]
    assert (info.width, info.height) == (96, 64)
    np.testing.assert_allclose(info.k, expected.camera.matrix.ravel())


def test_grey_images_have_depth_too(robot, engine, scene):
    robot.encoding = 'mono8'
    depths = robot.listen(Image, 'depth/image_rect')
    robot.until(lambda: depths, 'depth', lambda: robot.view(scene))
    grey = cv2.cvtColor(cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    expected = engine.process(Frame(1, 'camera', grey, robot.camera_of(grey)), motion=False)
    np.testing.assert_allclose(pixels(depths[-1], '<f4', 1)[..., 0], expected.depth, rtol=1e-4)


def test_depth_beyond_the_range_is_infinite_and_never_zero_or_clipped(robot, engine, scene):
    frame = Frame(1, 'camera', scene, robot.camera_of(scene))
    near, far = np.percentile(engine.process(frame, motion=False).depth, (30, 70))
    depths = robot.listen(Image, 'depth/image_rect')
    assert not robot.set(min_depth_m=float(near), max_depth_m=float(far))
    try:
        robot.spin(0.3)
        depths.clear()
        robot.until(lambda: depths, 'depth', lambda: robot.view(scene))
    finally:
        robot.set(min_depth_m=0.1, max_depth_m=80.0)
    values = pixels(depths[-1], '<f4', 1)
    inside = values[np.isfinite(values)]
    assert (inside.min() >= near, inside.max() <= far) == (True, True)
    for infinity in (-np.inf, np.inf):
        assert np.mean(values == infinity) == pytest.approx(0.3, abs=0.02)


def test_points_lie_on_the_rays_of_the_depth_and_have_the_colour_of_the_image(robot, scene):
    colour = np.empty_like(scene)
    colour[:] = (200, 100, 50)
    clouds = robot.listen(PointCloud2, 'points')
    depths = robot.listen(Image, 'depth/image_rect')
    infos = robot.listen(CameraInfo, 'depth/camera_info')
    robot.until(lambda: clouds and depths and infos, 'points', lambda: robot.view(colour))
    points = numbers(clouds[-1])
    assert len(points) == clouds[-1].width == 96 * 64
    assert set(points['rgb']) == {200 << 16 | 100 << 8 | 50}
    fx, _, cx, _, fy, cy, *_ = infos[-1].k
    rows, columns = np.mgrid[:64, :96]
    depth = pixels(depths[-1], '<f4', 1)[..., 0]
    np.testing.assert_allclose(points['z'], depth.ravel())
    np.testing.assert_allclose(points['x'], ((columns - cx) / fx * depth).ravel(), rtol=1e-4)
    np.testing.assert_allclose(points['y'], ((rows - cy) / fy * depth).ravel(), rtol=1e-4)


def test_points_follow_their_parameters_at_once(robot, scene):
    clouds = robot.listen(PointCloud2, 'points')
    assert not robot.set(points__decimation=4, points__rgb=False, points__organised=True)
    try:
        robot.until(
            lambda: clouds and clouds[-1].height > 1, 'organised', lambda: robot.view(scene)
        )
    finally:
        robot.set(points__decimation=1, points__rgb=True, points__organised=False)
    robot.until(lambda: clouds[-1].height == 1, 'a list', lambda: robot.view(scene))
    first = next(cloud for cloud in clouds if cloud.height > 1)
    assert (first.width, first.height) == (24, 16)
    assert [field.name for field in first.fields] == ['x', 'y', 'z']


def test_preview_shows_the_depth_in_colour(robot, scene):
    previews = robot.listen(Image, 'depth/preview')
    robot.until(lambda: previews, 'a preview', lambda: robot.view(scene))
    preview = previews[-1]
    assert (preview.encoding, preview.width, preview.height) == ('rgb8', 96, 64)
    assert len(np.unique(pixels(preview, np.uint8, 3).reshape(-1, 3), axis=0)) > 10


def moving(robot, scene):
    """Publish the scene a little further to the right each time."""
    robot.view(np.roll(scene, robot.stamp_ns // 10_000_000, axis=1))


def found(messages):
    """Return those that do not say that the odometry is lost."""
    return [message for message in messages if message.pose.covariance[0] < LOST_VARIANCE]


def test_odometry_is_that_of_the_base_and_grows_unsure(robot, scene):
    messages = robot.listen(Odometry, 'odom')
    robot.call(Trigger, '/depth_node/reset_odometry')
    robot.until(lambda: len(found(messages)) > 5, 'odometry', lambda: moving(robot, scene))
    messages = found(messages)
    assert {m.child_frame_id for m in messages} == {'base_link'}
    variances = np.array([np.diag(m.pose.covariance.reshape(6, 6)) for m in messages])
    assert np.isfinite(variances).all()
    assert (np.diff(variances.sum(axis=1)) > 0).all()
    before, after = messages[-2:]
    step = np.linalg.inv(pose_to_matrix(before)) @ pose_to_matrix(after)
    seconds = (stamp_ns(after.header) - stamp_ns(before.header)) * 1e-9
    linear, angular = after.twist.twist.linear, after.twist.twist.angular
    rate = np.array([angular.x, angular.y, angular.z])
    turn = np.array([step[2, 1] - step[1, 2], step[0, 2] - step[2, 0], step[1, 0] - step[0, 1]])
    np.testing.assert_allclose(rate * seconds, turn / 2, rtol=0.01, atol=1e-6)
    speed = np.array([linear.x, linear.y, linear.z])
    np.testing.assert_allclose(
        speed * seconds, step[:3, 3], atol=0.1 * np.linalg.norm(step[:3, 3])
    )
    assert np.linalg.norm(step[:3, 3]) > 0.01


def test_reset_odometry_goes_back_to_the_origin(robot, scene):
    messages = robot.listen(Odometry, 'odom')
    robot.until(lambda: len(found(messages)) > 8, 'odometry', lambda: moving(robot, scene))
    unsure = messages[-1].pose.covariance[0]
    assert robot.call(Trigger, '/depth_node/reset_odometry').success
    robot.spin(0.2)
    messages.clear()
    robot.until(lambda: found(messages), 'odometry again', lambda: moving(robot, scene))
    assert messages[0].pose.covariance[0] == LOST_VARIANCE
    assert found(messages)[0].pose.covariance[0] < unsure / 2


def test_nobody_listens_so_nothing_is_computed(robot, scene):
    def idle(status):
        return int(status.values['frames.idle']) > 3 and float(status.values['rate_hz']) == 0

    status = robot.diagnosis(idle, lambda: robot.view(scene))
    before = status.values
    status = robot.diagnosis(
        lambda s: int(s.values['frames.idle']) > 5 + int(before['frames.idle']),
        lambda: robot.view(scene),
    )
    assert status.values['frames.published'] == before['frames.published']
    assert status.values['stage.decode_ms'] == before['stage.decode_ms']


@pytest.mark.parametrize(
    ('kind', 'topic', 'unasked'),
    [
        (Odometry, 'odom', 'stage.depth_network_ms'),
        (Image, 'depth/image_rect', 'stage.pose_network_ms'),
    ],
)
def test_motion_alone_does_not_ask_for_depth_nor_depth_for_motion(
    robot, scene, kind, topic, unasked
):
    received = robot.listen(kind, topic)
    robot.until(lambda: received, topic, lambda: moving(robot, scene))
    before = robot.diagnosis(lambda s: True).values[unasked]
    received.clear()
    robot.until(lambda: len(received) > 5, topic, lambda: moving(robot, scene))
    assert robot.diagnosis(lambda s: True).values[unasked] == before


def test_newest_image_wins_and_the_rest_is_counted_as_dropped(robot):
    depths = robot.listen(Image, 'depth/image_rect')
    before = robot.diagnosis(lambda s: True).values
    image = np.random.default_rng(0).integers(0, 256, (375, 1242, 3), np.uint8)
    earlier = robot.stamp_ns
    robot.until(
        lambda: depths and stamp_ns(depths[-1].header) > earlier,
        'depth of an image of this size',
        lambda: robot.view(image),
    )
    for _ in range(60):
        robot.image(image)
    newest = robot.stamp_ns
    robot.until(
        lambda: depths and stamp_ns(depths[-1].header) == newest, 'depth of the newest image'
    )
    after = robot.diagnosis(lambda s: float(s.values['input_rate_hz']) == 0).values
    counts = {name: int(value) for name, value in after.items() if name.startswith('frames.')}
    assert counts['frames.dropped'] > int(before['frames.dropped'])
    outcomes = sum(counts[f'frames.{outcome.value}'] for outcome in Outcome)
    assert counts['frames.received'] == counts['frames.dropped'] + outcomes


def test_disabled_node_is_silent_until_it_is_enabled_again(robot, scene):
    depths = robot.listen(Image, 'depth/image_rect')
    robot.until(lambda: depths, 'depth', lambda: robot.view(scene))
    assert robot.call(SetBool, '/depth_node/set_enabled', data=False).success
    robot.spin(0.2)
    depths.clear()
    status = robot.diagnosis(
        lambda s: int(s.values['frames.disabled']) > 5, lambda: robot.view(scene)
    )
    assert 'disabled by set_enabled' in status.message
    assert depths == []
    assert robot.call(SetBool, '/depth_node/set_enabled', data=True).success
    robot.until(lambda: depths, 'depth again', lambda: robot.view(scene))


def test_diagnostics_say_how_it_goes(robot, scene):
    depths = robot.listen(Image, 'depth/image_rect')
    robot.until(lambda: len(depths) > 3, 'depth', lambda: robot.view(scene))
    status = robot.diagnosis(lambda s: float(s.values['rate_hz']) > 1, lambda: robot.view(scene))
    values = status.values
    assert (values['input.size'], values['input.encoding']) == ('200 x 120', 'bgr8')
    assert float(values['input.brightness']) == pytest.approx(scene.mean(), abs=15)
    latencies = [float(values[f'latency.p{share}_ms']) for share in (50, 95, 99)]
    assert latencies == sorted(latencies)
    assert latencies[0] > 0
    assert float(values['memory.resident_mib']) > 100
    assert (values['scale.metric'], values['scale.source']) == ('True', 'fixed')
    assert float(values['scale.factor']) == SCALE
    assert (values['backend'], values['device']) == ('torch', 'cpu')
    assert values['weights.trained'] == 'False'
    assert (status.level, 'are untrained: depth and motion mean nothing' in status.message) == (
        1,
        True,
    )


def test_rates_and_ages_are_by_the_time_of_a_simulation(robot, scene):
    depths = robot.listen(Image, 'depth/image_rect')

    def run():  # half a second of simulated time for every image, a tenth of that in real time
        robot.stamp_ns += 9 * STEP_NS
        seconds, nanoseconds = divmod(robot.stamp_ns + STEP_NS + 100_000_000, 10**9)
        robot.publish('/clock', Clock(clock=Time(sec=seconds, nanosec=nanoseconds)))
        robot.view(scene)

    assert robot.transition('deactivate')
    assert not robot.set(use_sim_time=True)
    try:
        assert robot.transition('activate')
        robot.until(lambda: len(depths) > 5, 'depth', run)
        status = robot.diagnosis(
            lambda s: float(s.values['input_rate_hz']) == pytest.approx(2.0, rel=0.2), run
        )
        still = robot.diagnosis(lambda s: 'the time on /clock stands still' in s.message)
    finally:
        assert not robot.set(use_sim_time=False)
    assert 50 < float(status.values['age.p50_ms']) < 1000
    assert still.values['rate_hz'] == 'nan'


def test_relative_depth_is_for_eyes_only(robot, scene):
    depths = robot.listen(Image, 'depth/image_rect')
    assert not robot.set(scale__source='checkpoint')
    previews = robot.listen(Image, 'depth/preview')
    try:
        robot.spin(0.3)
        depths.clear()
        previews.clear()
        robot.until(lambda: len(previews) > 3, 'a preview', lambda: robot.view(scene))
        status = robot.diagnosis(lambda s: s.values['scale.metric'] == 'False')
        assert depths == []
    finally:
        assert not robot.set(scale__source='fixed')
    remedy = status.values['scale.problem']
    assert 'not metric: set scale.source to' in remedy
    assert remedy in status.message
    assert robot.log.count(remedy) == 1


def test_uncertainty_is_not_asked_of_weights_that_know_none_without_a_word(robot, scene):
    robot.listen(Image, 'depth/uncertainty')
    assert not robot.set(points__max_uncertainty=0.2)
    try:
        status = robot.diagnosis(
            lambda s: 'nothing comes on /depth/uncertainty: this estimate has no' in s.message,
            lambda: robot.view(scene),
        )
    finally:
        assert not robot.set(points__max_uncertainty=0.0)
    assert 'points.max_uncertainty is 0.2 and the weights know no uncertainty' in status.message


def test_reliability_of_the_images_is_the_one_that_the_user_chose(robot):
    for topic, wanted in (
        ('/image', QoSReliabilityPolicy.RELIABLE),
        ('/camera_info', QoSReliabilityPolicy.BEST_EFFORT),
    ):
        infos = robot.node.get_subscriptions_info_by_topic(topic)
        (info,) = infos  # nobody keeps camera info here, so nobody is asked for what is kept
        assert info.qos_profile.reliability == wanted
    (info,) = robot.node.get_publishers_info_by_topic('/points')
    assert info.qos_profile.reliability == QoSReliabilityPolicy.RELIABLE
