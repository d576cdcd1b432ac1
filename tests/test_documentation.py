"""Pages name files, sections and functions that exist, and commands that can be typed."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tst.cli.console_script import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = [ROOT / "docs" / "results.md", *(ROOT / "docs" / "audits").glob("*.md")]
WITH_COMMANDS = [page for page in PAGES if page not in GENERATED]
TAKES_PATHS = ("score", "compare", "blend", "explain")
"""Commands whose first words are paths, without which there is nothing to compose."""
LEFT_OPEN = re.compile(r"\.\.\.$|=(?!DIR|FILE)[A-Z]+$|\$\{hydra:")
"""Words that a page leaves to the reader (``benchmark=NAME``), or a running job fills in."""


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def outside_of_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def named_paths(text: str) -> list[str]:
    """Paths in backticks: with a folder of the project in front, or a file name in its root."""
    found = re.findall(r"`([\w./*-]+)`", text)
    folders = tuple(f"{p.name}/" for p in ROOT.iterdir() if p.is_dir())
    return [word for word in found if word.startswith(folders) and not word.startswith("outputs/")]


def anchors(page: Path) -> set[str]:
    """What a link may name behind ``#``, made of the headings as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", outside_of_blocks(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def commands(text: str) -> list[list[str]]:
    """The words of each ``tst`` command in a block or in backticks, as a shell reads them."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    blocks += re.findall(r"(?:^    .*\n)+", outside_of_blocks(text), re.MULTILINE)
    lines: list[str] = re.findall(r"`(tst [^`]*=[^`]*)`", outside_of_blocks(text))
    for block in blocks:
        block = block.replace("\\\n", " ")
        for name, value in re.findall(r'^ *([A-Z])="([^"]*)"', block, re.MULTILINE):
            block = re.sub(rf"\${name}\b", value, block)
        lines += [part for line in block.splitlines() for part in line.split("&&")]
    typed = [shlex.split(line, comments=True) for line in lines if line.strip()[:3] == "tst"]
    return [[w for w in words if not LEFT_OPEN.search(w)] for words in typed if words[0] == "tst"]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_what_a_page_names_and_links_to_exists(page):
    text = page.read_text()
    absent = [path for path in named_paths(text) if not list(ROOT.glob(path.rstrip("/")))]
    for link in re.findall(r"\]\(((?!http)[^)\s]+)\)", text):
        path, _, section = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (section and section not in anchors(target)):
            absent.append(link)
    assert absent == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_make_has_the_targets_that_a_page_names(page):
    rules = re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    named = re.findall(r"(?:`|^(?: {4})?)make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets


def test_pages_have_links_and_commands():
    """What the tests of this file look for is found."""
    assert len(commands((ROOT / "README.md").read_text())) > 8
    noisy = commands((ROOT / "docs" / "noisy.md").read_text())
    assert any("data.path=alpaca_en_demo.json" in c and "grid=chosen" in c for c in noisy)
    assert "one-command-on-your-file" in anchors(ROOT / "README.md")


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=page_name)
def test_every_command_composes(page, tmp_path, monkeypatch):
    """Its settings exist and go together. test_own_diagnostic.py runs those of ``--config-dir``."""
    monkeypatch.chdir(tmp_path)
    for folder in ("DIR", "outputs"):
        Path(folder).mkdir()
    for words in commands(page.read_text()):
        name = words[1] if len(words) > 1 and words[1] in COMMANDS else "main"
        if name in TAKES_PATHS or "--config-dir" in words:
            continue
        command = import_module(f"tst.{name}").COMMAND
        given = [word for word in words if "=" in word or word.startswith("~")]
        command.compose([first_job(word) if "-m" in words else word for word in given])


def first_job(word: str) -> str:
    """An override of a sweep as its first job has it."""
    override = OverridesParser.create().parse_override(word)
    if not override.is_sweep_override():
        return word
    return f"{override.get_key_element()}={next(iter(override.sweep_string_iterator()))}"


def test_every_name_that_contributing_gives_with_its_file_is_in_it():
    text = (ROOT / "docs" / "contributing.md").read_text()
    pairs = re.findall(r"`(\w+)`(?:, `\w+`)* (?:in|of) `(tst/[\w/]+\.py)`", text)
    assert len(pairs) > 10
    absent = [
        (n, path) for n, path in pairs if not re.search(rf"\b{n}\b", (ROOT / path).read_text())
    ]
    assert absent == []
