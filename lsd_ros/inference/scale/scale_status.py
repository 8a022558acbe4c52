"""What a filter of measurements means for a robot: metric, or why not."""

from __future__ import annotations

from lsd_ros.inference.scale.filter import AGREEING, AGREEING_AGAIN, FactorFilter
from lsd_ros.inference.scale.scale_settings import ScaleSettings
from lsd_ros.types import Scale


def scale_status(
    measured: FactorFilter, settings: ScaleSettings, name: str, missing: str
) -> Scale:
    """
    Say whether a measured factor may be trusted.

    :param name: of the source
    :param missing: why there was no measurement of late, with the remedy; empty: there was one
    """
    problem = _problem(measured, settings, missing)
    return Scale(
        measured.factor,
        metric=not problem,
        source=name,
        deviation=measured.deviation,
        problem=problem,
    )


def _problem(measured: FactorFilter, settings: ScaleSettings, missing: str) -> str:
    """Return why the factor is not metric, in one sentence; empty where it is."""
    if not measured.settled:
        return missing or _not_settled(measured, settings)
    reason = f': {missing}' if missing else ''
    if measured.unconfirmed_s > settings.max_age_s:
        return (
            f'the scale has been unconfirmed for {measured.unconfirmed_s:.0f} s, longer than '
            f'scale.max_age_s{reason or ", because measurements contradict it"}'
        )
    if measured.deviation > settings.max_deviation:
        return (
            f'the scale is uncertain by {measured.deviation:.0%}, more than scale.max_deviation'
            f'{reason or ": wait for more measurements"}'
        )
    return ''


def _not_settled(measured: FactorFilter, settings: ScaleSettings) -> str:
    wanted = AGREEING_AGAIN if measured.contradicted else AGREEING
    again = 'the scale has changed and ' if measured.contradicted else 'the scale '
    if measured.agreeing < wanted:
        return f'{again}has not settled: {measured.agreeing} of {wanted} measurements agree'
    if measured.way_m < settings.min_motion_m:
        return (
            f'{again}has not settled: the camera has moved {measured.way_m:.2f} m of '
            'scale.min_motion_m, drive on'
        )
    return f'{again}has not settled: its measurements scatter, wait for more of them'
