"""From pixels and wheels to metres, over the middleware: what settles, what is said, and when."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

from nav_msgs.msg import Odometry
from sensor_msgs.msg import Image, LaserScan, PointCloud2

from lsd_ros.inference.engine_settings import MountSettings
from lsd_ros.inference.odometry.frames import base_from_optical
from lsd_ros.messages import encode
from lsd_ros.messages.decode import depth_to_metres, stamp_ns

SEEN = 0.1  # network units that the pose network sees between two images, whatever they show
DRIVEN_M = 0.3  # metres that the wheels turn in the same time
STEP_NS = 50_000_000  # between two images of the robot
HEIGHT_M = 0.5
OBSTACLES = {
    'depth/image_rect': Image,
    'depth/uncertainty': Image,
    'points': PointCloud2,
    'scan': LaserScan,
}


@pytest.fixture(scope='module')
def steady_weights(tmp_path_factory):
    """Weights that see a steady way forward and say how sure they are of their depth."""
    torch = pytest.importorskip('torch')
    from lsd_ros.geometry.depth import DisparityRange
    from lsd_ros.models.checkpoint import save_weights
    from lsd_ros.models.network_settings import PoseSettings, SmallDepthSettings
    from lsd_ros.models.pose_net import PoseNet
    from lsd_ros.models.preprocessing import Preprocessing
    from lsd_ros.models.small_depth_net import SmallDepthNet
    from lsd_ros.models.weights import Weights, WeightsCard

    torch.manual_seed(0)
    pose = PoseNet(PoseSettings(output_scale=1.0)).eval()
    torch.nn.init.zeros_(pose.head.weight)
    with torch.no_grad():  # before_from_target and after_from_target
        pose.head.bias[:] = torch.tensor([0, 0, SEEN, 0, 0, 0, 0, 0, -SEEN, 0, 0, 0])
    path = tmp_path_factory.mktemp('weights') / 'steady.safetensors'
    made = Weights(
        SmallDepthNet(SmallDepthSettings(uncertainty=True)).eval(),
        pose,
        Preprocessing(width=96, height=64, fit='stretch'),
        DisparityRange(0.1, 100.0),
        WeightsCard(name='steady', trained=False),
    )
    save_weights(made, path)
    return path


@pytest.fixture(scope='module')
def robot(start_robot, steady_weights):
    robot = start_robot(
        {
            'weights': steady_weights,
            'backend': 'torch',
            'diagnostics_period_s': 0.2,
            'scale.source': 'odometry',
            'mount.z_m': HEIGHT_M,
            'qos_overrides./image.subscription.reliability': 'reliable',
        }
    )
    robot.activate()
    return robot


@pytest.fixture(scope='module')
def heard(robot):
    """Everything that a robot stops for; these subscriptions stay."""
    return {topic: robot.listen(kind, topic) for topic, kind in OBSTACLES.items()}


def drive(robot, scene, base_frame='base_link'):
    """Show an image, and say where the wheels are at the time of it."""
    ns = robot.stamp_ns + STEP_NS
    base = np.eye(4)
    base[0, 3] = DRIVEN_M * ns / STEP_NS
    none = np.zeros((6, 6))
    message = encode.odometry(robot.types, ns, 'wheels', base_frame, base, none, np.zeros(6), none)
    robot.publish('/odometry_in', message)
    robot.view(scene)


def base_points(cloud):
    """Return the points of a cloud in the base frame, shape (N, 3)."""
    fields = np.frombuffer(cloud.data, np.float32).reshape(-1, cloud.point_step // 4)
    place = base_from_optical(MountSettings(z_m=HEIGHT_M))
    return fields[:, :3] @ place[:3, :3].T + place[:3, 3]


def test_1_obstacles_are_silent_while_nobody_says_metres(robot, heard, scene):
    status = robot.diagnosis(
        lambda s: 'no odometry comes on /odometry_in: publish it there' in s.message,
        lambda: robot.view(scene),
    )
    assert (status.values['scale.metric'], status.values['state']) == ('False', 'blind')
    assert status.values['scale.problem'] in status.message
    assert not any(heard.values())


def test_2_odometry_of_another_frame_is_refused_with_a_sentence(robot, heard, scene):
    robot.diagnosis(
        lambda s: (
            "odometry of 'base_footprint' cannot be used where base_frame is 'base_link'"
            in s.message
        ),
        lambda: drive(robot, scene, 'base_footprint'),
    )
    assert not any(heard.values())


def test_3_everything_becomes_metric_once_wheels_and_images_agree(robot, heard, scene):
    odometry = robot.listen(Odometry, 'odom')
    status = robot.diagnosis(
        lambda s: s.values.get('scale.metric') == 'True' and all(heard.values()),
        lambda: drive(robot, scene),
    )
    values = status.values
    assert float(values['scale.factor']) == pytest.approx(DRIVEN_M / SEEN, rel=0.01)
    assert 0 < float(values['scale.deviation']) < 0.15
    assert (values['scale.source'], values['scale.problem']) == ('odometry', '')
    assert float(values['odometry_in.rate_hz']) > 0
    robot.until(lambda: odometry[-1].pose.covariance[0] < 1, 'the odometry is found again')
    speed = odometry[-1].twist.twist.linear
    assert speed.x == pytest.approx(DRIVEN_M / STEP_NS * 1e9, rel=0.02)
    assert abs(speed.y) + abs(speed.z) < 0.01 * speed.x


def test_4_scan_is_what_the_points_say_seen_from_the_base(robot, heard, scene):
    def both():
        clouds = {stamp_ns(cloud.header): cloud for cloud in heard['points']}
        scans = {stamp_ns(scan.header): scan for scan in heard['scan']}
        return [(clouds[stamp], scans[stamp]) for stamp in clouds.keys() & scans.keys()]

    cloud, scan = robot.until(both, 'a cloud and its scan', lambda: drive(robot, scene))[0]
    assert (scan.header.frame_id, cloud.header.frame_id) == ('base_link', 'camera')
    ranges = np.array(scan.ranges)
    seen = np.isfinite(ranges)
    assert seen.sum() > 10
    bearings = scan.angle_min + scan.angle_increment * np.arange(len(ranges))
    ends = (ranges[:, None] * np.stack([np.cos(bearings), np.sin(bearings)], 1))[seen]
    points = base_points(cloud)[:, :2]
    apart = np.linalg.norm(ends[:, None] - points[None], axis=2).min(axis=1)
    assert (apart < ranges[seen] * scan.angle_increment + 0.01).all()


def test_5_uncertainty_is_that_of_the_depth(robot, heard, scene):
    robot.until(lambda: heard['depth/uncertainty'], 'uncertainty', lambda: drive(robot, scene))
    message = heard['depth/uncertainty'][-1]
    depths = {stamp_ns(image.header): image for image in heard['depth/image_rect']}
    depth = depth_to_metres(depths[stamp_ns(message.header)])
    deviation = depth_to_metres(message)
    assert (message.encoding, message.header.frame_id) == ('32FC1', 'camera')
    np.testing.assert_array_equal(np.isfinite(deviation), np.isfinite(depth))


def test_6_camera_of_unknown_place_has_points_but_no_scan(robot, heard, scene):
    assert not robot.set(mount__z_m=0.0)
    try:
        robot.spin(0.3)
        for messages in heard.values():
            messages.clear()
        robot.diagnosis(
            lambda s: 'nothing comes on /scan: nobody says where the camera sits' in s.message,
            lambda: drive(robot, scene),
        )
        robot.until(lambda: heard['points'], 'points', lambda: drive(robot, scene))
        assert heard['scan'] == []
    finally:
        assert not robot.set(mount__z_m=HEIGHT_M)
    robot.until(lambda: heard['scan'], 'a scan again', lambda: drive(robot, scene))


def test_7_depth_that_is_too_uncertain_everywhere_is_not_free_space(robot, heard, scene):
    assert not robot.set(points__max_uncertainty=1e-6)
    try:
        robot.spin(0.3)
        for messages in heard.values():
            messages.clear()
        status = robot.diagnosis(
            lambda s: 'nothing comes on /points: only 0% of the depth is as certain' in s.message,
            lambda: drive(robot, scene),
        )
        robot.until(lambda: heard['depth/image_rect'], 'depth', lambda: drive(robot, scene))
        assert heard['points'] == heard['scan'] == []
    finally:
        assert not robot.set(points__max_uncertainty=0.0)
    assert 'nothing comes on /scan: only 0% of the depth' in status.message
    robot.until(lambda: heard['scan'], 'a scan again', lambda: drive(robot, scene))


def test_8_odometry_is_listened_to_only_where_a_parameter_asks_for_it(robot):
    assert robot.node.count_subscribers('/odometry_in') == 1
    assert not robot.set(scale__source='fixed')
    robot.until(lambda: not robot.node.count_subscribers('/odometry_in'), 'it is left alone')
    assert not robot.set(odometry__fuse=True)
    robot.until(lambda: robot.node.count_subscribers('/odometry_in'), 'it is asked for')


def test_9_odometry_is_fused_where_both_agree_and_told_where_they_do_not(robot, scene):
    """The factor is 1 by now, so that the images show a third of what the wheels say."""
    speed = pytest.approx(DRIVEN_M / STEP_NS * 1e9, rel=0.02)
    odometry = robot.listen(Odometry, 'odom')
    robot.diagnosis(
        lambda s: 'the images and odometry_in contradict each other' in s.message,
        lambda: drive(robot, scene),
    )
    assert not robot.set(scale__factor=DRIVEN_M / SEEN)
    robot.diagnosis(
        lambda s: int(s.values.get('fusion.fused', 0)) > 5 and 'contradict' not in s.message,
        lambda: drive(robot, scene),
    )
    odometry.clear()
    robot.until(  # after an image that was dropped the network says SEEN all the same
        lambda: any(said.twist.twist.linear.x == speed for said in odometry),
        'fused odometry as fast as both say',
        lambda: drive(robot, scene),
    )
