"""The report's page in a real Chromium: opened, and what it prints and asks for."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
READY = "html[data-ready=yes]"
AT_REST = """selector => new Promise(done => {
  let timer = setTimeout(done, 300);
  new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, 300); })
    .observe(document.querySelector(selector), { childList: true, subtree: true });
})"""

in_browser = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif("TST_NO_BROWSER" in os.environ, reason="TST_NO_BROWSER is set"),
]


class Seen:
    """What a page printed and asked for."""

    def __init__(self, page: Any) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda m: self.messages.append(m.text))
        page.on("pageerror", lambda e: self.messages.append(str(e)))
        page.on("request", lambda r: self.requests.append(r.url))


@contextmanager
def opened(
    browser: Any,
    file: Path,
    size: tuple[int, int] = (1280, 900),
    scheme: str = "light",
    at: str = "",
) -> Iterator[tuple[Any, Seen]]:
    """A file's page once it is drawn. at: the part of its address after the file."""
    width, height = size
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        seen = Seen(page)
        page.goto(file.as_uri() + at)
        page.wait_for_selector(READY, timeout=10_000)
        yield page, seen


def wait_at_rest(page: Any, selector: str) -> None:
    """Nothing inside has changed for 0.3 s: a row redrawn under a press loses its click."""
    page.evaluate(AT_REST, selector)


def press_on_row(page: Any, key: str) -> None:
    """Press a key on the first row, once it keeps the focus: a filter redraws rows."""
    for _ in range(10):
        page.locator(".tabulator-row").first.focus()
        wait_at_rest(page, "#question-table")
        if page.evaluate("document.activeElement.matches('.tabulator-row')"):
            page.keyboard.press(key)
            return
    raise AssertionError("the row does not keep the focus")
