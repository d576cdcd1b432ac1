"""Pages name files and functions that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "docs" / "contributing.md"]


def named_paths(text: str) -> list[str]:
    """Paths in backticks: with a folder of the project in front, or a file name in its root."""
    found = re.findall(r"`([\w./*-]+)`", text)
    folders = tuple(f"{p.name}/" for p in ROOT.iterdir() if p.is_dir())
    return [word for word in found if word.startswith(folders) and not word.startswith("outputs/")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page):
    paths = named_paths(page.read_text())
    assert paths
    missing = [path for path in paths if not list(ROOT.glob(path.rstrip("/")))]
    assert missing == []


def test_every_name_that_contributing_gives_with_its_file_is_in_it():
    text = (ROOT / "docs" / "contributing.md").read_text()
    pairs = re.findall(r"`(\w+)`(?:, `\w+`)* (?:in|of) `(tst/[\w/]+\.py)`", text)
    assert len(pairs) > 10
    absent = [
        (n, path) for n, path in pairs if not re.search(rf"\b{n}\b", (ROOT / path).read_text())
    ]
    assert absent == []
