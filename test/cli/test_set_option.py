from argparse import Namespace

import pytest

from lsd_ros.cli.shared_options import assigned
from lsd_ros.errors import SettingError
from lsd_ros.inference.engine_settings import EngineSettings


def test_each_setting_is_taken_by_its_name() -> None:
    given = Namespace(set=['threads: 1', 'mount: {z_m: 0.5, pitch_deg: 3}'])
    found = assigned(given, EngineSettings)
    assert found == {'threads': 1, 'mount.z_m': 0.5, 'mount.pitch_deg': 3}


@pytest.mark.parametrize(
    ('texts', 'sentence'),
    [
        (['threads: 1', 'device: cpu', 'threads: 2'], '^--set threads is given twice: leave out'),
        (['threads: 1', 'backend: [torch'], r'^--set backend: \[torch: .* is no valid YAML'),
    ],
)
def test_what_is_wrong_is_said_of_the_option(texts: list[str], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        assigned(Namespace(set=texts), EngineSettings)
