"""Links of pages to files beside docs/ go to the repository, where the site is built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """
    Turn links out of the documentation into links to the repository.

    :raises FileNotFoundError: there is no such file
    """

    def linked(found: re.Match[str]) -> str:
        name = found[1].partition('#')[0]
        if not (ROOT / name).exists():
            raise FileNotFoundError(f'{page.file.src_path}: {name} is not in the repository')
        return f']({config.repo_url}/blob/main/{found[1]})'

    return re.sub(r'\]\(\.\./([^)]+)\)', linked, markdown)
