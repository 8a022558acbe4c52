"""From engine settings to the command line of a node that is to report obstacles."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from lsd_ros import settings
from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.models.weights import read_weights
from lsd_ros.publication.publication_settings import GuardedSettings


def called_metric(wanted: EngineSettings) -> EngineSettings:
    """
    Call one unit of relative weights a metre, where nothing else is said about the scale.

    The node reports no obstacles at a scale that it does not know, and there would be nothing to
    look at.

    :raises WeightsError: the weights cannot be used
    """
    card = read_weights(wanted.weights).card  # also says here what they forbid
    if wanted.scale != ScaleSettings() or card.metric:
        return wanted
    return dataclasses.replace(wanted, scale=ScaleSettings(source='fixed'))


def node_arguments(wanted: EngineSettings, **parameters: Any) -> list[str]:
    """
    Return what sets the parameters of a node; what is as the node has it anyway is left out.

    :param parameters: more of them, ``__`` for a dot
    """
    default = settings.values(GuardedSettings())
    chosen = {
        name: value for name, value in settings.values(wanted).items() if value != default[name]
    }
    chosen.update({name.replace('__', '.'): value for name, value in parameters.items()})
    words = (f'{name}:={json.dumps(value)}' for name, value in chosen.items())
    return [part for word in words for part in ('-p', word)]
