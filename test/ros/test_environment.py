from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lsd_ros.ros import environment

NAMES = (environment.TRANSPORT, *environment.PROFILES, 'AMENT_PREFIX_PATH')


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
