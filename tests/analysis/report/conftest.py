"""A study's records, their page, and a browser to open it in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.report.browsing import CHROMIUM, FLAGS
from tests.made_records import study  # noqa: F401
from tst.analysis.report.assemble import render_report
from tst.records.run_records import find_records


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page_file(
    study: tuple[Path, dict[str, Path]],  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(find_records(study[0]), [], [], study[0]), encoding="utf-8")
    return path
