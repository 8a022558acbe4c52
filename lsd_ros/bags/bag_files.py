"""The files of a bag, whatever their format, as connections and CDR messages."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from lsd_ros.bags.decompression import unpack_file
from lsd_ros.bags.mcap_file import McapFile
from lsd_ros.bags.rosbag1_file import Rosbag1File
from lsd_ros.bags.sqlite_file import SqliteFile
from lsd_ros.bags.storage import Storage
from lsd_ros.errors import DatasetError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import open_file, read_text
from lsd_ros.foreign.optional import require
from lsd_ros.foreign.yaml_text import parse_yaml

_log = logging.getLogger(__name__)

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
_MAGIC = {
    b'#ROSBAG V': 'rosbag1',
    b'\x89MCAP0\r\n': 'mcap',
    b'SQLite format 3\0': 'sqlite3',
    ZSTD_MAGIC: 'zstd',
}
_SUFFIXES = ('.bag', '.mcap', '.db3', '.zstd')


def kind_of(path: Path) -> str | None:
    """
    Tell the format of a file from its first bytes.

    :return: ``rosbag1``, ``mcap``, ``sqlite3``, ``zstd`` or None where it is something else
    :raises DatasetError: the file cannot be read
    """
    with open_file(path, DatasetError) as file, ForeignCode(DatasetError, f'cannot read {path}'):
        start = file.read(16)
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def bag_files(path: Path) -> list[Path]:
    """
    List the files that a bag consists of, in the order of recording.

    :param path: bag folder or lone file
    :raises DatasetError: there is no such path, or there is no bag in it
    """
    with ForeignCode(DatasetError, f'cannot read {path}'):
        if not path.exists():
            raise DatasetError(f'{path} does not exist: give a bag folder or a bag file')
        if not path.is_dir():
            return [path]
        return _listed(path) or _found(path)


def _listed(folder: Path) -> list[Path]:
    """List the files that metadata.yaml names; empty where it is missing or damaged."""
    file = folder / 'metadata.yaml'
    if not file.exists():
        return []
    try:
        metadata = parse_yaml(read_text(file, DatasetError), str(file), DatasetError)
        with ForeignCode(DatasetError, f'{file} is no metadata of a bag'):
            names = metadata['rosbag2_bagfile_information']['relative_file_paths']
            files = [folder / Path(name).name for name in dict.fromkeys(names)]
    except DatasetError as error:
        _log.warning('%s is damaged, its folder is searched instead: %s', folder, error)
        return []
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        _log.warning('%s names files that are missing: %s', folder, ', '.join(missing))
    return [file for file in files if file.is_file()]


def _found(folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if file.suffix in _SUFFIXES and file.is_file()]
    if not files:
        raise DatasetError(
            f'{folder} is not a bag: it holds no .mcap, .db3 or .bag file; give the folder that '
            'holds metadata.yaml'
        )
    return sorted(files, key=lambda file: (len(file.name), file.name))


def open_storage(path: Path, stack: ExitStack) -> Storage:
    """
    Open one file of a bag; a damaged one is read as far as it can be.

    :param stack: what closes the file, and removes what had to be decompressed
    :raises DatasetError: the file is empty, unreadable or not a bag
    """
    kind = kind_of(path)
    if kind == 'zstd':
        unpacked = _unpacked(path, stack)
        kind, path = kind_of(unpacked), unpacked
    if kind is None or kind == 'zstd':
        size = path.stat().st_size
        what = f'its {size} bytes do not start like one' if size else 'it is empty'
        raise DatasetError(
            f'{path} is not a bag: {what}; rosbag1 (.bag), mcap and sqlite3 (.db3) can be read'
        )
    require('rosbags')
    opened: dict[str, Callable[[Path], Storage]] = {
        'rosbag1': Rosbag1File,
        'mcap': McapFile,
        'sqlite3': SqliteFile,
    }
    with ForeignCode(DatasetError, f'cannot read {path}'):
        storage = opened[kind](path)
    stack.callback(storage.close)
    return storage


def _unpacked(path: Path, stack: ExitStack) -> Path:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='lsd_ros_')))
    target = folder / path.stem
    unpack_file(path, target)
    return target
