"""Compiled networks on the disk, so that the next start does not compile them again."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from pathlib import Path

from lsd_ros import __version__
from lsd_ros.inference.backends.inference_network import InferenceNetwork

LOGGER = logging.getLogger(__name__)
KEPT = 16  # files; one is of 3 to 8 MB
DIGEST = hashlib.sha256().digest_size
ROOT = Path(__file__).resolve().parents[2]
# code that decides what is compiled: a network of older code must not be taken for that of now
SOURCES = (
    'models/*.py',
    'inference/folding.py',
    'inference/fused_depth_net.py',
    'inference/onnx_export.py',
    'inference/rewrite.py',
    'inference/space_to_depth.py',
    'inference/backends/openvino.py',
)


class CompiledCache:
    """
    Files in ``$XDG_CACHE_HOME/lsd_ros/compiled``, else in ``~/.cache``.

    Nothing of it is ever needed: what is missing, damaged, or cannot be written is compiled.

    :param folder: None: that one
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder('compiled')

    def load(self, key: str) -> bytes | None:
        """Return what was stored under a key; None where it is not there, or damaged."""
        if self._folder is None:
            return None
        path = self._folder / key
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, content = data[:DIGEST], data[DIGEST:]
        if hashlib.sha256(content).digest() != digest:
            LOGGER.warning('the compiled network %s is damaged and is compiled anew', path)
            return None
        return content

    def store(self, key: str, content: bytes) -> None:
        """Store something, wholly or not at all; the files that were not used longest go."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new = self._folder / f'.{key}.{os.getpid()}.{threading.get_ident()}.part'
            new.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(new, self._folder / key)
            files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)
            for old in files[:-KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            LOGGER.info('the compiled network is not kept in %s: %s', self._folder, error)


def cache_key(network: InferenceNetwork, *of_the_runtime: object) -> str:
    """
    Return a name for a compiled network, another one for whatever compiles differently.

    :param of_the_runtime: shape, options, versions, processor
    """
    digest = hashlib.sha256(f'{__version__} {network.content} {of_the_runtime}'.encode())
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_folder(name: str) -> Path | None:
    """Return a folder of ours among what the user has cached; None: the user has no home."""
    try:
        base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    except RuntimeError:
        return None
    return Path(base) / 'lsd_ros' / name
