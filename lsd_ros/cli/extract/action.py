"""``lsd_ros extract``: bags to training sequences."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from lsd_ros import config, settings
from lsd_ros.cli.extract import OWN_OPTIONS
from lsd_ros.cli.printing import say
from lsd_ros.cli.progress import growing_progress
from lsd_ros.cli.shared_options import assigned
from lsd_ros.errors import DatasetError
from lsd_ros.extraction.extraction import Extracted, extract
from lsd_ros.extraction.extraction_settings import ExtractionSettings


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    wanted = extraction_settings(given)
    with growing_progress('extract') as advance:
        results = extract(
            given.bags,
            given.out,
            wanted,
            jobs=given.jobs or 0,
            overwrite=given.overwrite,
            advance=advance,
        )
    say('\n'.join(line for result in results for line in report(result)))
    failed = [result for result in results if result.problem]
    if failed:
        path, problem = str(failed[0].path), failed[0].problem
        count = f' ({len(failed)} of {len(results)} failed)' if len(results) > 1 else ''
        raise DatasetError(f'{"" if path in problem else f"{path}: "}{problem}{count}')
    if not any(result.sequences for result in results):
        raise DatasetError(
            f'not one sequence came out: none has min_frames, which is {wanted.min_frames}'
        )
    return 0


def extraction_settings(given: argparse.Namespace) -> ExtractionSettings:
    """
    Gather the settings: ``--set`` goes before options of their own, and those before the file.

    :raises SettingError: a setting is unknown or not allowed, or the file cannot be read
    """
    values: dict[str, Any] = {}
    if given.config is not None:
        values.update(settings.values(config.load(given.config, ExtractionSettings)))
    for option, name in OWN_OPTIONS.items():
        value = getattr(given, option)
        if value is not None:
            values[name] = value
    values.update(assigned(given, ExtractionSettings))
    return settings.build(ExtractionSettings, values)


def report(result: Extracted) -> Iterator[str]:
    """Say in a few lines what became of one recording."""
    if result.problem:
        yield f'{result.name}: failed: {result.problem}'
        return
    record = result.record
    state = ' (finished before)' if result.skipped else ''
    state += '' if record['complete'] else ' (damaged: what was readable)'
    count = len(result.sequences)
    sequences = f'{count} sequence{"" if count == 1 else "s"}'
    yield f'{result.name}: {sequences}, {record["kept"]} of {record["images"]} images{state}'
    dropped = ', '.join(f'{count} {reason}' for reason, count in record['dropped'].items())
    if dropped:
        yield f'  dropped: {dropped.replace("_", " ")}'
    topics = ', '.join(f'{what} {topic}' for what, topic in record['topics'].items() if topic)
    if topics:
        yield f'  from: {topics}'
