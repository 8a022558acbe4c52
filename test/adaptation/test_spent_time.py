"""The time of an adaptation is for all of its calls, however they ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsd_ros.adaptation import spent_time
from lsd_ros.adaptation.spent_time import SpentTime
from lsd_ros.errors import DatasetError


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the clock that only goes forward [s]."""
    now = [1000.0]
    monkeypatch.setattr(spent_time.time, 'monotonic', lambda: now[0])
    return now


def test_what_earlier_calls_took_is_not_trained(now: list[float], tmp_path: Path) -> None:
    def interrupted() -> None:
        with SpentTime(tmp_path).counted('geometry'):
            now[0] += 100.0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with SpentTime(tmp_path).counted('geometry') as note:
        now[0] += 30.0
        note()
        now[0] += 5.0
        killed = SpentTime(tmp_path)
    assert killed.seconds == {'geometry': 130.0}
    spent = SpentTime(tmp_path)
    assert spent.seconds == {'geometry': 135.0}
    assert spent.left_for(5.0, 0.3) == 165.0
    with spent.counted('geometry'):
        now[0] += 50.0
    again = SpentTime(tmp_path)
    assert again.left_for(5.0, 0.3) == 165.0, 'what is planned stays'
    assert again.left_for(1.0, 0.3) == 18.0, 'and another time is planned anew'


@pytest.mark.parametrize('damaged', ['', '[]', '{"geometry": "long", "planned": 3}'])
def test_a_damaged_record_is_none(damaged: str, tmp_path: Path) -> None:
    (tmp_path / 'spent.json').write_text(damaged)
    assert SpentTime(tmp_path).seconds == {}
    assert SpentTime(tmp_path).left_for(1.0, 0.3) == 60.0


def test_a_full_disk_hides_no_error_that_is_on_its_way(tmp_path: Path) -> None:
    gone = tmp_path / 'gone'
    with pytest.raises(KeyboardInterrupt), SpentTime(gone).counted('training'):
        raise KeyboardInterrupt
    with pytest.raises(DatasetError, match='cannot write'), SpentTime(gone).counted('training'):
        pass
