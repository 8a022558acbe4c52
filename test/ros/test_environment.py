from __future__ import annotations

import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lsd_ros.ros import environment

NAMES = (
    environment.TRANSPORT,
    environment.DISCOVERY,
    *environment.PROFILES,
    'AMENT_PREFIX_PATH',
)


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, '')  # so that monkeypatch restores what prepare() sets


def test_large_images_get_their_transport() -> None:
    environment.prepare()
    assert os.environ['FASTDDS_BUILTIN_TRANSPORTS'] == 'LARGE_DATA'


@pytest.mark.parametrize('name', [environment.TRANSPORT, *environment.PROFILES])
def test_the_users_choice_of_transport_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, 'UDPv4')
    environment.prepare()
    assert os.environ[name] == 'UDPv4'
    assert 'LARGE_DATA' not in os.environ.values()


@pytest.mark.parametrize('transport', ['', 'LARGE_DATA', 'LARGE_DATA?max_msg_size=1MB'])
def test_on_this_machine_alone_a_profile_brings_what_large_images_need(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(environment.TRANSPORT, transport)
    monkeypatch.setenv(environment.DISCOVERY, 'LOCALHOST')
    environment.prepare()
    profile = ElementTree.parse(os.environ['FASTDDS_DEFAULT_PROFILES_FILE']).getroot()
    sizes = [int(each.text or 0) for each in profile.iter() if each.tag.endswith('segment_size')]
    assert min(sizes) > 2 * 1920 * 1080 * 3


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        (environment.DISCOVERY, 'SUBNET'),
        (environment.TRANSPORT, 'UDPv4'),
        (environment.PROFILES[1], '/etc/mine.xml'),
    ],
)
def test_elsewhere_and_where_the_user_has_chosen_there_is_no_profile(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(environment.DISCOVERY, 'LOCALHOST')
    monkeypatch.setenv(name, value)
    environment.prepare()
    assert not os.environ['FASTDDS_DEFAULT_PROFILES_FILE']


def test_the_prefix_of_the_wheels_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, 'prefix', str(tmp_path))
    environment.prepare()
    assert not os.environ['AMENT_PREFIX_PATH']
    (tmp_path / 'share' / 'ament_index').mkdir(parents=True)
    environment.prepare()
    assert os.environ['AMENT_PREFIX_PATH'] == str(tmp_path)


def test_a_sourced_distribution_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/opt/ros/some')
    environment.prepare()
    assert os.environ['AMENT_PREFIX_PATH'] == '/opt/ros/some'
