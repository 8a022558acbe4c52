"""What we tell Nav2 must be what the node does: topics, frames, heights, ranges and times."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs rclpy: source a ROS distribution or take its wheels')

import rclpy
from rclpy.node import Node

from lsd_ros import settings
from lsd_ros.ros.parameters import Parameters

CONFIG = Path(__file__).resolve().parents[2] / 'config'
NAV2 = CONFIG / 'nav2.param.yaml'
TOPICS = {'PointCloud2': '/points', 'LaserScan': '/scan', 'scan': '/scan', 'pointcloud': '/points'}


@contextmanager
def context_of(domain):
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    try:
        yield context
    finally:
        context.try_shutdown()


@pytest.fixture(scope='module')
def nodes(own_domain):
    """Return the parameters of every node of the file, as ROS reads them."""
    found = {}
    with own_domain() as domain, context_of(domain) as context:
        for namespace, name in [
            ('/local_costmap', 'local_costmap'),
            ('/', 'controller_server'),
            ('/', 'collision_monitor'),
            ('/front', 'depth_node'),
        ]:
            node = Node(
                name,
                namespace=namespace,
                context=context,
                cli_args=['--ros-args', '--params-file', str(NAV2)],
                automatically_declare_parameters_from_overrides=True,
            )
            parameters = node.get_parameters_by_prefix('')
            found[name] = {key: value.value for key, value in parameters.items()}
            node.destroy_node()
    return found


@pytest.fixture(scope='module')
def depth(own_domain):
    """Return the settings that depth_node takes from the file, among its defaults."""
    with own_domain() as domain, context_of(domain) as context:
        node = Node(
            'depth_node', context=context, cli_args=['--ros-args', '--params-file', str(NAV2)]
        )
        found = Parameters(node).settings()
        node.destroy_node()
    return {**settings.values(found.node), **settings.values(found.engine)}


def sources(values, layer):
    prefix = f'{layer}.' if layer else ''
    given = values[f'{prefix}observation_sources']
    for name in given.split() if isinstance(given, str) else given:
        start = f'{prefix}{name}.'
        yield {key[len(start) :]: value for key, value in values.items() if key.startswith(start)}


def test_ros_reads_the_file_and_the_node_knows_every_parameter(nodes, depth):
    of_rclpy = {'use_sim_time', 'start_type_description_service'}
    given = {key: value for key, value in nodes['depth_node'].items() if key not in of_rclpy}
    assert given
    assert {key: depth.get(key) for key in given} == given
    for name, values in nodes.items():
        assert set(values) - of_rclpy, name


@pytest.mark.parametrize('layer', ['camera_layer', 'scan_layer'])
def test_layers_hear_what_the_node_says_and_mark_only_what_is_an_obstacle(nodes, depth, layer):
    costmap = nodes['local_costmap']
    assert costmap['robot_base_frame'] == depth['base_frame']
    assert costmap['global_frame'] == depth['odom_frame']
    for source in sources(costmap, layer):
        assert source['topic'] == TOPICS[source['data_type']]
        assert source['expected_update_rate'] <= depth['safety.image_timeout_s']
        assert source['obstacle_max_range'] < source['raytrace_max_range']
        if source['data_type'] == 'LaserScan':
            assert source['inf_is_valid']
            assert source['obstacle_max_range'] < depth['scan.max_range_m']
            assert source['raytrace_max_range'] <= depth['scan.max_range_m']
            assert source['sensor_frame']
        else:
            assert costmap[f'{layer}.min_obstacle_height'] == depth['scan.min_height_m']
            assert costmap[f'{layer}.max_obstacle_height'] == depth['scan.max_height_m']
            assert source['min_obstacle_height'] < 0
            assert source['max_obstacle_height'] > depth['points.max_range_m']
            assert source['raytrace_max_range'] < depth['points.max_range_m']
            assert depth['points.min_height_m'] <= source['min_obstacle_height']
            assert source['sensor_frame'] == ''


def test_voxels_hold_the_camera_and_the_obstacles(nodes):
    costmap = nodes['local_costmap']
    voxels, height = costmap['camera_layer.z_voxels'], costmap['camera_layer.z_resolution']
    assert voxels <= 16
    assert voxels * height >= costmap['camera_layer.max_obstacle_height']


def test_the_robot_stops_where_the_node_is_silent_and_not_where_it_is_only_late(nodes, depth):
    monitor = nodes['collision_monitor']
    assert monitor['base_frame_id'] == depth['base_frame']
    assert monitor['odom_frame_id'] == depth['odom_frame']
    for source in sources(monitor, ''):
        assert source['topic'] == TOPICS[source['type']]
        assert source['enabled']
        # 0 would be: never stop; a result that is later than this the node keeps to itself
        assert 0 < depth['safety.max_latency_s'] <= source['source_timeout']
        assert source['source_timeout'] <= depth['safety.image_timeout_s']
    assert depth['scan.min_range_m'] < nodes['local_costmap']['robot_radius']


def test_polygons_reach_beyond_the_robot_and_end_before_the_scan(nodes, depth):
    monitor = nodes['collision_monitor']
    reach = {
        name: max(x for x, _ in yaml.safe_load(monitor[f'{name}.points']))
        for name in ('stop', 'slow')
    }
    assert set(monitor['polygons']) == {*reach, 'approach'}
    radius = nodes['local_costmap']['robot_radius']
    assert radius < reach['stop'] < reach['slow'] < depth['scan.max_range_m']


def test_the_view_shows_what_nav2_hears():
    view = yaml.safe_load((CONFIG / 'nav2.rviz').read_text())
    shown = {
        display['Topic']['Value']
        for display in view['Visualization Manager']['Displays']
        if 'Topic' in display
    }
    polygons = {'/polygon_stop', '/polygon_slow'}
    assert {'/points', '/scan', '/local_costmap/costmap', *polygons} <= shown
    assert view['Visualization Manager']['Global Options']['Fixed Frame'] == 'odom'
