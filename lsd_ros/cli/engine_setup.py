"""From the options of a call to a running engine."""

from __future__ import annotations

import argparse
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lsd_ros import config, settings
from lsd_ros.cli.shared_options import assigned
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.publication.publication_settings import GuardedSettings

if TYPE_CHECKING:
    from lsd_ros.inference.engine import Engine
from lsd_ros.inference.engine_info import EngineInfo

LOGGER = logging.getLogger(__name__)


def engine_settings(given: argparse.Namespace) -> GuardedSettings:
    """
    Gather the settings: ``--set`` goes before options of their own, and those before the file.

    :raises SettingError: a setting is unknown or not allowed, or the file cannot be read
    """
    values: dict[str, Any] = {}
    if given.config is not None:
        values.update(settings.values(config.load(given.config, GuardedSettings)))
    for name in ('weights', 'device', 'backend'):
        if getattr(given, name, None) is not None:
            values[name] = getattr(given, name)
    values.update(assigned(given, GuardedSettings))
    return settings.build(GuardedSettings, values)


@contextlib.contextmanager
def running_engine(wanted: EngineSettings) -> Iterator[Engine]:
    """
    Load an engine, warn of weights that do not give metres, and close it at the end.

    :raises WeightsError: the weights cannot be used
    :raises BackendError: nothing can run the networks as asked
    """
    from lsd_ros.inference.engine import Engine  # loads torch, which settings need not

    engine = Engine.load(wanted)
    try:
        for warning in weights_warnings(engine.info, wanted):
            LOGGER.warning(warning)
        yield engine
    finally:
        engine.close()


def weights_warnings(info: EngineInfo, wanted: EngineSettings) -> list[str]:
    """Say what the numbers of these weights do not mean."""
    if not info.trained:
        return [f'the weights {info.name!r} are untrained: depth and motion mean nothing']
    if not info.metric and wanted.scale.source == 'checkpoint':
        return [
            f'the weights {info.name!r} are not metric: depth and motion are right up to one '
            'unknown factor; set scale.source to camera_height or odometry, or to fixed with the '
            'scale.factor that you measured'
        ]
    return []
