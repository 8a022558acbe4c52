"""Fixtures of the tests of the odometry."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

DRIVES = Path(__file__).with_name('drives.py')


def _import_drives() -> None:
    """Make the simulated drives importable: pytest puts no test folder on the path."""
    spec = importlib.util.spec_from_file_location('odometry_drives', DRIVES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules['odometry_drives'] = module
    spec.loader.exec_module(module)


_import_drives()
