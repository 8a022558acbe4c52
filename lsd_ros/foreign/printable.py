"""Foreign text, made safe for terminals, logs and files."""

from __future__ import annotations

import re

# C0, DEL and C1 steer terminals, surrogates are what no encoding can write, and the rest turn the
# direction of text, or end a line, where nobody sees it
_UNSAFE = re.compile(
    '[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
)


def printable(text: str) -> str:
    r"""
    Escape what would steer a terminal (``\x1b``), or could not be encoded; tabs and newlines stay.

    :param text: for example a topic, the frame of a message, or a path that is not UTF-8
    """
    return _UNSAFE.sub(lambda found: _escaped(found.group()), text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}'
