"""The page as it opens, in a real Chromium: no error, no request, accessible, also on a phone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.analysis.report.browsing import in_browser, opened, press_on_row
from tst.analysis.report.assemble import render_report
from tst.core.number_text import decimal, percent, points
from tst.records.run_records import Found, RunRecord, read_record

axe_playwright = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
pytestmark = in_browser


def write_page(folder: Path, record: RunRecord) -> Path:
    """The report of one record."""
    path = folder / "report.html"
    path.write_text(render_report(Found([record], []), [], []), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_it_loads_quietly(
    browser: Any, page_file: Path, scheme: str, width: int, height: int
) -> None:
    with opened(browser, page_file, (width, height), scheme) as (page, seen):
        assert page.locator("#record-charts svg.plot").count() >= 4
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.messages == []
        assert seen.requests == [page_file.as_uri()]


def test_large_reports_stay_small_and_quick(
    browser: Any,
    study: tuple[Path, dict[str, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = read_record(study[1]["llm"])
    many = pd.concat([record.questions] * 54, ignore_index=True).head(5130)
    many["id"] = [f"q{i}" for i in range(len(many))]
    many["question"] = many["question"] + " " + many["id"] + " with some more words to read" * 8
    monkeypatch.setattr(RunRecord, "questions", many)
    path = write_page(tmp_path, record)
    assert path.stat().st_size < 15e6
    with opened(browser, path) as (page, _):
        ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
        assert ready < 6_000  # 2 s on an idle machine; tests share two cores
        page.fill("#search", "q5129")
        page.locator("#shown", has_text="1 of 5,130 questions").wait_for()


SIZES = [(1280, 900, "light"), (390, 844, "light"), (1280, 900, "dark")]


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_axe_finds_nothing_serious(
    browser: Any, page_file: Path, width: int, height: int, scheme: str
) -> None:
    with opened(browser, page_file, (width, height), scheme) as (page, _):
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        for place in ("page", "dialog"):
            if place == "dialog":
                press_on_row(page, "Enter")
                page.locator("dialog[open]").wait_for()
            found = axe_playwright.Axe().run(page).response["violations"]
            serious = [v for v in found if v["impact"] in ("serious", "critical")]
            assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == []


def test_the_first_screen_is_a_sentence_and_the_excess_by_type(
    browser: Any, page_file: Path
) -> None:
    for width, height in ((1280, 900), (390, 844)):
        with opened(browser, page_file, (width, height)) as (page, _):
            sentence = page.locator("#headline")
            assert "question types" in sentence.inner_text()
            chart = page.locator("#record-excess svg.plot")
            assert sentence.bounding_box()["y"] < chart.bounding_box()["y"] < height
            assert chart.get_attribute("role") == "img"
            assert "Points above the baseline" in chart.get_attribute("aria-label")
            rows = page.locator("#record-excess .as-table tbody tr")
            excess = [
                float(rows.nth(i).locator("td").nth(1).text_content().replace("−", "-"))
                for i in range(rows.count())
            ]
            assert len(excess) == 8 and excess == sorted(excess, reverse=True)


def test_every_chart_has_its_figures_as_a_table(browser: Any, page_file: Path) -> None:
    with opened(browser, page_file) as (page, _):
        assert page.locator("svg.plot").count() == page.locator(".as-table").count() > 5
        assert page.locator("svg.plot:not([role=img][aria-label])").count() == 0
        assert page.locator(".as-table tbody:empty").count() == 0


def test_more_than_twenty_types_are_folded(
    browser: Any, study: tuple[Path, dict[str, Path]], tmp_path: Path
) -> None:
    record = read_record(study[1]["random"])
    summary = dict(record.summary)
    (entry, *_), (part, *_) = summary["exposure"], summary["per_type"].values()
    names = [f"type {i:02}" for i in range(62)]
    summary["exposure"] = [{**entry, "question_type": name} for name in names]
    summary["per_type"] = dict.fromkeys(names, part)
    path = tmp_path / "report.html"
    found = Found([replace(record, summary=summary)], [])
    path.write_text(render_report(found, [], []), encoding="utf-8")
    with opened(browser, path) as (page, _):
        chart = page.locator("#record-excess svg.plot")
        assert chart.bounding_box()["height"] < 900
        assert "type 19" in chart.text_content() and "type 20" not in chart.text_content()
        page.locator("#record-excess .more-rows", has_text="show all 62").click()
        page.locator("#record-excess svg.plot", has_text="type 61").wait_for()


def test_results_stay_in_sight_on_a_phone(browser: Any, page_file: Path) -> None:
    with opened(browser, page_file, (390, 844)) as (page, _):
        cell = ".tabulator-row .tabulator-cell[tabulator-field={}]"
        for field in ("p_options", "s"):
            box = page.locator(cell.format(field)).first.bounding_box()
            assert box["x"] + box["width"] <= 390
        for heading in ("score", "baseline"):
            box = page.locator("#record-list th", has_text=heading).first.bounding_box()
            assert box["x"] + box["width"] <= 390


def test_a_page_without_stress_tests_shows_no_list_of_them(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_report(Found([], []), [], [], tmp_path), encoding="utf-8")
    with opened(browser, path) as (page, seen):
        assert not page.is_visible("#record-heading")
        assert not page.is_visible("#record-list")
        assert "record" not in page.inner_text("#made")
        assert seen.messages == []


def test_texts_stand_in_the_direction_of_their_script_and_names_in_their_card(
    browser: Any,
    study: tuple[Path, dict[str, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = read_record(study[1]["llm"])
    questions = record.questions.copy()
    questions["question"] = "ما لون Title 2?"  # Arabic, with Latin and a Latin mark at its end
    monkeypatch.setattr(RunRecord, "questions", questions)
    path = write_page(tmp_path, record)
    with opened(browser, path) as (page, _):
        press_on_row(page, "Enter")
        shown = page.locator("dialog[open] .detail-question")
        shown.wait_for()
        mark_is_left = """node => {
          const text = node.firstChild, range = document.createRange();
          const at = (from) => { range.setStart(text, from); range.setEnd(text, from + 1);
            return range.getBoundingClientRect().left; };
          return at(text.length - 1) < at(0);
        }"""
        assert shown.evaluate(mark_is_left)
        card = page.locator(".card .value").first
        card.evaluate("node => { node.textContent = 'a_benchmark_of_a_very_long_name'; }")
        assert card.evaluate("node => node.scrollWidth <= node.clientWidth")


def test_figures_are_rounded_as_on_the_terminal(browser: Any, page_file: Path) -> None:
    """29 of 80 were 36.3% in the page and 36.2% everywhere else."""
    shares = [i / n for n in (8, 16, 40, 80, 96, 300, 1600) for i in range(-n, n + 1)]
    with opened(browser, page_file) as (page, _):
        shown = page.evaluate(
            "xs => xs.map((x) => [percent(x), percent(x, 0), points(x), fixed(x), fixed(x, 3)])",
            shares,
        )
    expected = [
        [percent(x), percent(x, 0), points(x), decimal(x, 2), decimal(x, 3)] for x in shares
    ]
    differing = [(x, a, b) for x, a, b in zip(shares, shown, expected, strict=True) if a != b]
    assert differing == []
