"""The settings of an engine together with the limits of its guard."""

from __future__ import annotations

from dataclasses import dataclass, field

from lsd_ros.inference.engine_settings import EngineSettings
from lsd_ros.safety.safety_settings import SafetySettings


@dataclass(frozen=True)
class GuardedSettings(EngineSettings):
    """Everything that decides what comes out of an image, and whether it may."""

    safety: SafetySettings = field(default_factory=SafetySettings)
