"""How long an adaptation trains, once and for all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lsd_ros.adaptation.learning import learn
from lsd_ros.errors import TrainingError


@pytest.mark.parametrize(
    ('plan', 'sentence'),
    [
        (json.dumps({'steps': 300, 'minutes': 3.0}), 'was planned for 3 minutes, not 60: give'),
        ('', r'depth\.plan\.json is damaged .*: remove it'),
        ('{}', r'depth\.plan\.json is damaged .*: remove it'),
    ],
)
def test_a_training_of_another_length_is_not_taken_for_the_wanted_one(
    plan: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / 'depth.plan.json').write_text(plan)
    with pytest.raises(TrainingError, match=sentence):
        learn({}, [], [], tmp_path / 'depth', 60.0, minutes=60.0)
