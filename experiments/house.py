"""
How large are the rooms of the code, and how readable are the pages?

    python experiments/house.py [REPOSITORY]

Files, lines and the longest file of each room; words, sentences of more than 30 words, the longest
sentence and line, and numbers per 100 words of each page. Code and tables of pages count as words
and not as sentences.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def main() -> None:
    """Print both tables."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else '.')
    print('room, files, lines, longest file')
    rooms: dict[str, list[tuple[int, str]]] = {}
    for path in (root / 'lsd_ros').rglob('*.py'):
        parts = path.relative_to(root / 'lsd_ros').parts
        room = parts[0] if len(parts) > 1 else '(top)'
        rooms.setdefault(room, []).append((len(path.read_text().splitlines()), '/'.join(parts)))
    for room, files in sorted(rooms.items(), key=lambda one: -sum(n for n, _ in one[1])):
        longest, name = max(files)
        print(f'{room:14} {len(files):4} {sum(n for n, _ in files):6} {longest:4} {name}')
    print('page, words, sentences over 30 words, longest sentence, longest line, numbers')
    for page in sorted([*root.glob('*.md'), *(root / 'docs').glob('*.md')]):
        print(f'{page.relative_to(root)!s:28}', *readability(page.read_text()))


def readability(text: str) -> tuple[int, int, int, int, float]:
    """Return words, long sentences, the longest sentence and line, and numbers per 100 words."""
    longest_line = max(map(len, text.splitlines()))
    text = re.sub(r'```.*?```', '', text, flags=re.S)
    other = ('    ', '|', '#', '![', '[!')
    lines = ['' if line.startswith(other) else line for line in text.splitlines()]
    prose = re.sub(r'\]\([^)]*\)', ']', '\n'.join(lines))
    paragraphs = re.split(r'\n\s*\n|\n(?=\s*[-*] )|\n(?=\s*\d+\. )', prose)
    ends = r'(?<=[.!?:;])\s+(?=[A-Z`*\[])'
    sentences = [one for part in paragraphs for one in re.split(ends, ' '.join(part.split()))]
    lengths = [len(sentence.split()) for sentence in sentences]
    words = len(text.split())
    numbers = len(re.findall(r'(?<![\w`])\d[\d.,]*', text))
    long = sum(length > 30 for length in lengths)
    return words, long, max(lengths), longest_line, round(100 * numbers / max(words, 1), 1)


if __name__ == '__main__':
    main()
