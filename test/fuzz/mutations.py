"""What disks, networks and people do to files."""

from __future__ import annotations

import random
import re

ODD_TEXTS = (
    '.inf', '-.inf', '.nan', 'nan', 'inf', 'null', '~', '[]', '{}', '[1, 2]', '{a: 1}', '""', '-1',
    '0', '1e400', '-1e400', '1e308', '9' * 30, '9' * 400, '1_000', '0x10', '1:30', '2024-13-45',
    '2024-02-30T99:99:99Z', 'true', 'no', '!!float x', '!!int x', '!!timestamp x', '!!binary x',
    '!!set {a}', '!!omap [a: 1]', '!!python/object:os.system x', '&a [*a]', '*a', '&a 1', '|',
    '>', '%YAML:1.0', '---', '...', '\t', '\0', '\x1b[2J', '\x07', 'é漢', '\u202e', '²', '٣',
    '\udcff', "'", '"', '#', '[' * 70, '[' * 3000, '- ' * 200, 'a: ' * 100, '../../etc', 'C:\\',
    '1700000000000000000', '18446744073709551616', '-9223372036854775808', 'a' * 5000,
)  # fmt: skip
_TOKEN = re.compile(r'[^\s,\[\]{}:]+')


def mutated_bytes(rng: random.Random, data: bytes) -> bytes:
    """Flip, set, lose, double or cut bytes, once or a few times."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not changed:
            break
        place = rng.randrange(len(changed))
        if rng.random() < 0.4:  # headers and indexes are where structure is
            place = min(place, rng.choice((32, 128, 1024)))
            place = place if rng.random() < 0.5 else max(0, len(changed) - 1 - place)
        count = rng.choice((1, 1, 2, 4, 8, 64, 1024))
        kind = rng.randrange(7)
        if kind == 0:
            changed[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            changed[place : place + count] = rng.randbytes(len(changed[place : place + count]))
        elif kind == 2:
            del changed[place : place + count]
        elif kind == 3:
            changed[place:place] = changed[place : place + count]
        elif kind == 4:
            del changed[place:]
        elif kind == 5:
            fill = rng.choice((b'\0', b'\xff', b'\x7f', b'\x80'))
            changed[place : place + count] = fill * len(changed[place : place + count])
        else:
            other = rng.randrange(len(changed))
            changed[place : place + count] = changed[other : other + count]
    return bytes(changed)


def mutated_text(rng: random.Random, data: bytes) -> bytes:
    """Replace words, values and lines by odd ones, or damage the bytes."""
    if rng.random() < 0.2:
        return mutated_bytes(rng, data)
    text = data.decode(errors='surrogateescape')
    for _ in range(rng.choice((1, 1, 2, 3))):
        odd = rng.choice(ODD_TEXTS)
        kind = rng.randrange(5)
        lines = text.split('\n')
        number = rng.randrange(len(lines))
        tokens = list(_TOKEN.finditer(text))
        if kind == 0 and tokens:
            found = rng.choice(tokens)
            text = text[: found.start()] + odd + text[found.end() :]
        elif kind == 1 and ':' in lines[number]:
            lines[number] = lines[number].partition(':')[0] + ': ' + odd
            text = '\n'.join(lines)
        elif kind == 2:
            del lines[number]
            text = '\n'.join(lines)
        elif kind == 3:
            lines.insert(number, rng.choice([*lines, odd]))
            text = '\n'.join(lines)
        else:
            place = rng.randrange(len(text) + 1)
            text = text[:place] + odd + text[place:]
    return text.encode(errors='surrogateescape')
