"""Where results go: never over, into or below what they are made from, nor over each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from lsd_ros.errors import DatasetError, LsdError
from lsd_ros.foreign.door import ForeignCode
from lsd_ros.foreign.files import kind_of_node
from lsd_ros.foreign.printable import printable


def check_apart(outputs: Mapping[str, Path | None], inputs: Iterable[str | Path | None]) -> None:
    """
    Check that no output is an input, lies in one or holds one, and that outputs are apart.

    What counts is the file or folder itself, by whatever path or link it is reached.

    :param outputs: paths that are to be written, by the names of their options; None: not wanted
    :param inputs: paths that are read; None and what does not exist: there is none
    :raises DatasetError: they are not apart
    """
    with ForeignCode(DatasetError, 'cannot look at the paths'):
        wanted = {name: path for name, path in outputs.items() if path is not None}
        given = [Path(path) for path in inputs if path is not None and str(path)]
        given += [path.parent for path in given if _is_in_bag(path)]
        for name, path in wanted.items():
            for source in given:
                how = _clash(path, source)
                if how:
                    raise DatasetError(
                        f'{name} {printable(str(path))} {how} {printable(str(source))}, which is '
                        'read: choose another output'
                    )
        names = list(wanted)
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                if _clash(wanted[name], wanted[other]):
                    raise DatasetError(
                        f'{name} and {other} are the same place, or one lies in the other '
                        f'({printable(str(wanted[name]))}): choose two that are apart'
                    )


def check_writable(files: Mapping[str, Path | None]) -> None:
    """
    Check that files can be written, before the work whose result they are to hold.

    :param files: by the names of their options; None: not wanted
    :raises DatasetError: the folder of one does not exist or cannot be written to, or a folder
        stands in the place of the file
    """
    for name, path in files.items():
        if path is None:
            continue
        shown = f'{name} {printable(str(path))}'
        target = real_target(path)
        with ForeignCode(DatasetError, f'cannot write {shown}'):
            folder = target.parent
            if not folder.is_dir():
                raise DatasetError(
                    f'cannot write {shown}: the folder {printable(str(folder))} does not exist: '
                    'make it first, or choose another'
                )
            if target.is_dir():
                raise DatasetError(f'{shown} is a folder: give the path of a file')
            if not os.access(folder, os.W_OK):
                raise DatasetError(
                    f'cannot write {shown}: you may not write into {printable(str(folder))}: '
                    'choose another folder'
                )


def real_target(path: Path, kind: type[LsdError] = DatasetError) -> Path:
    """
    Follow symbolic links to where something is really written: a link stays what it is.

    :param kind: of the error
    :raises LsdError: of that kind: what stands there is neither a file nor a folder, or the links
        run in a circle
    """
    with ForeignCode(kind, f'cannot write {path}'):
        target = Path(os.path.realpath(path))
        if target.is_symlink():
            raise kind(f'cannot write {path}: its symbolic links run in a circle')
        if target.exists() and not target.is_file() and not target.is_dir():
            node = kind_of_node(target.stat().st_mode)
            raise kind(f'cannot write {path}: it is a {node}; choose a file or folder')
        return target


def _clash(output: Path, source: Path) -> str:
    """Say how an output and an input are not apart; empty where they are."""
    target, read = Path(os.path.realpath(output)), Path(os.path.realpath(source))
    if target == read or _same(target, read):
        return 'is'
    if any(_same(above, read) or above == read for above in target.parents):
        return 'lies in'
    if any(_same(above, target) or above == target for above in read.parents):
        return 'holds'
    linked = target.is_file() and target.stat().st_nlink > 1 and read.is_dir()
    return 'is a file of' if linked and any(_same(target, f) for f in _files(read)) else ''


def _is_in_bag(path: Path) -> bool:
    """Tell whether a path is one file of a bag that is a folder: others of it are its too."""
    return path.is_file() and (path.parent / 'metadata.yaml').is_file()


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return False


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def check_replaceable(path: Path, is_ours: Callable[[str], bool]) -> None:
    """
    Check that a folder which is to be replaced holds nothing that others put there.

    :param path: of the folder; a file, or nothing, can be replaced
    :param is_ours: says of a path below it, with slashes, whether such a thing is written there
    :raises DatasetError: it holds something else, or cannot be read
    """
    with ForeignCode(DatasetError, f'cannot look into {printable(str(path))}'):
        for folder, _, names in os.walk(path):
            for name in sorted(names):
                below = (Path(folder) / name).relative_to(path).as_posix()
                if not is_ours(below):
                    raise DatasetError(
                        f'{printable(str(path))} holds {printable(below)}, which would be lost: '
                        'move it away, or choose another output'
                    )
