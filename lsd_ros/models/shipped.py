"""The weights that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent.parent / 'weights'
SUFFIX = '.safetensors'
GRAPHS_SUFFIX = '.graphs'
DEFAULT = 'street'


def shipped_names() -> list[str]:
    """Return the names of the weights that come with the package, the default one first."""
    names = sorted(file.stem for file in FOLDER.glob(f'*{SUFFIX}'))
    return sorted(names, key=lambda name: name != DEFAULT)


def graphs_file(weights: Path) -> Path:
    """Return where the graphs of a weights file are: beside it."""
    return weights.with_suffix(GRAPHS_SUFFIX)


def weights_file(given: str | Path) -> Path:
    """
    Return the file that is meant.

    :param given: a path, or a name of :func:`shipped_names`, which goes before a path that is
        called like it; empty: the default one
    """
    if str(given) in ('', *shipped_names()):
        return FOLDER / f'{given or DEFAULT}{SUFFIX}'
    return Path(given)
