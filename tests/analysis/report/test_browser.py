"""The page in a real Chromium: loads, searches, sorts; no error, no request, nothing executed."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.made_records import HOSTILE
from tst.analysis.report.assemble import render_report
from tst.records.run_records import Found, RunRecord, find_records, read_record

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
axe_playwright = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif("TST_NO_BROWSER" in os.environ, reason="TST_NO_BROWSER is set"),
]
READY = "html[data-ready=yes]"


class Seen:
    """What a page printed and asked for."""

    def __init__(self, page: Any) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda m: self.messages.append(m.text))
        page.on("pageerror", lambda e: self.messages.append(str(e)))
        page.on("request", lambda r: self.requests.append(r.url))


AT_REST = """selector => new Promise(done => {
  let timer = setTimeout(done, 300);
  new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, 300); })
    .observe(document.querySelector(selector), { childList: true, subtree: true });
})"""


def wait_at_rest(page: Any, selector: str) -> None:
    """Nothing inside has changed for 0.3 s: a row redrawn under a press loses its click."""
    page.evaluate(AT_REST, selector)


def press_on_row(page: Any, key: str) -> None:
    """Press a key on the one row that is left, once it keeps the focus: a filter redraws rows."""
    for _ in range(10):
        page.locator(".tabulator-row").focus()
        wait_at_rest(page, "#question-table")
        if page.evaluate("document.activeElement.matches('.tabulator-row')"):
            page.keyboard.press(key)
            return
    raise AssertionError("the row does not keep the focus")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page_file(
    study: tuple[Path, dict[str, Path]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(find_records(study[0]), [], [], study[0]), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_it_loads_quietly(
    browser: Any, page_file: Path, scheme: str, width: int, height: int
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        seen = Seen(page)
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
        assert page.locator("#record-charts svg.plot").count() >= 4
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.messages == []
        assert seen.requests == [page_file.as_uri()]


def test_search_sort_and_detail(browser: Any, page_file: Path, study: Any) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        seen = Seen(page)
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
        questions = read_record(study[1]["random"]).questions
        wanted = questions.iloc[17]

        page.fill("#search", wanted["id"])
        page.locator("#shown", has_text="1 of 96 questions").wait_for()
        page.locator("#question-table").scroll_into_view_if_needed()
        wait_at_rest(page, "#question-table")
        page.locator(".tabulator-row").click()
        page.locator("#detail-body", has_text=wanted["question"]).wait_for()
        assert HOSTILE in page.locator("#detail-body").inner_text()
        page.locator("dialog .close").click()

        page.fill("#search", "")
        page.locator("#shown", has_text=re.compile("^96 questions")).wait_for()
        first = page.locator(".tabulator-row .tabulator-cell[tabulator-field=s]").first
        assert first.inner_text().strip() == f"{questions['s'].max():.2f}"
        page.locator(".tabulator-col[tabulator-field=s]").click()
        page.locator(".tabulator-col[tabulator-field=s][aria-sort=ascending]").wait_for()
        assert first.inner_text().strip() == f"{questions['s'].min():.2f}"

        page.select_option("#type-filter", wanted["question_type"])
        n = int((questions["question_type"] == wanted["question_type"]).sum())
        page.locator("#shown", has_text=f"{n} of 96").wait_for()
        assert page.evaluate("window.hacked") is None
        assert seen.messages == []
        assert len(seen.requests) == 1


def test_another_record_is_shown(browser: Any, page_file: Path) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        seen = Seen(page)
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
        assert "zero-shot" not in page.locator("#record-cards").inner_text()
        last = page.locator("#record-select option").count() - 1
        page.select_option("#record-select", str(last))
        page.locator("#record-title", has_text="TsT-LLM").wait_for()
        page.locator("#record-cards", has_text="zero-shot").wait_for()
        page.locator(".tabulator-col[tabulator-field=delta]").wait_for()
        assert seen.messages == []


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
    path = tmp_path / "report.html"
    path.write_text(render_report(Found([record], []), [], []), encoding="utf-8")
    assert path.stat().st_size < 15e6
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(READY, timeout=10_000)
        ready = page.evaluate("performance.getEntriesByName('ready')[0].startTime")
        assert ready < 6_000  # 2 s on an idle machine; tests share two cores
        page.fill("#search", "q5129")
        page.locator("#shown", has_text="1 of 5,130 questions").wait_for()


def test_questions_that_are_not_in_the_page(
    browser: Any, study: tuple[Path, dict[str, Path]], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tst.analysis.report.assemble.MAX_QUESTIONS", 100)
    found = find_records(study[0])
    path = tmp_path / "report.html"
    path.write_text(render_report(found, [], []), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        seen = Seen(page)
        page.goto(path.as_uri())
        page.wait_for_selector(READY, timeout=10_000)
        assert page.locator("#questions").is_visible()
        page.select_option("#record-select", "1")
        page.locator("#record-identity", has_text="python -m tst.report record=").wait_for()
        assert not page.locator("#questions").is_visible()
        assert page.locator("#record-charts svg").count() > 0
        assert seen.messages == []


SIZES = [(1280, 900, "light"), (390, 844, "light"), (1280, 900, "dark")]


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_axe_finds_nothing_serious(
    browser: Any, page_file: Path, width: int, height: int, scheme: str
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        for place in ("page", "dialog"):
            if place == "dialog":
                page.locator(".tabulator-row").first.press("Enter")
                page.locator("dialog[open]").wait_for()
            found = axe_playwright.Axe().run(page).response["violations"]
            serious = [v for v in found if v["impact"] in ("serious", "critical")]
            assert [(v["id"], v["nodes"][0]["html"]) for v in serious] == []


def test_the_first_screen_is_a_sentence_and_the_excess_by_type(
    browser: Any, page_file: Path
) -> None:
    for width, height in ((1280, 900), (390, 844)):
        with browser.new_context(viewport={"width": width, "height": height}) as context:
            page = context.new_page()
            page.goto(page_file.as_uri())
            page.wait_for_selector(READY)
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
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
        assert page.locator("svg.plot").count() == page.locator(".as-table").count() > 5
        assert page.locator("svg.plot:not([role=img][aria-label])").count() == 0
        assert page.locator(".as-table tbody:empty").count() == 0


def test_the_address_keeps_record_search_order_and_open_question(
    browser: Any, page_file: Path, study: tuple[Path, dict[str, Path]]
) -> None:
    llm = read_record(study[1]["llm"])
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        seen = Seen(page)
        page.goto(f"{page_file.as_uri()}#record={llm.hash}&search=how&sort=baseline-asc")
        page.wait_for_selector(READY)
        assert "TsT-LLM" in page.locator("#record-title").inner_text()
        assert page.input_value("#search") == "how"
        page.goto(page_file.as_uri() + "#")
        page.locator("#record-title", has_text="TsT-RF").wait_for()

        page.select_option("#record-select", label=_label(page, "TsT-LLM"))
        page.locator("#record-title", has_text="TsT-LLM").wait_for()
        page.locator(".tabulator-row").first.wait_for()
        wanted = llm.questions.iloc[5]
        page.fill("#search", wanted["id"])
        page.locator("#shown", has_text="1 of 96").wait_for()
        press_on_row(page, "Enter")
        page.locator("dialog[open]", has_text=wanted["id"]).wait_for()
        address = page.evaluate("location.href")
        for part in (llm.hash, f"search={wanted['id']}", f"question={wanted['id']}"):
            assert part in address
        page.keyboard.press("Escape")
        page.locator("dialog[open]").wait_for(state="detached")
        # the dialog's close event, which comes a moment later, puts the address right
        playwright.expect(page).not_to_have_url(re.compile("question="))

        again = context.new_page()
        again.goto(address)
        again.locator("dialog[open]", has_text=wanted["id"]).wait_for()
        again.locator("#shown", has_text="1 of 96").wait_for()
        assert seen.messages == []


def _label(page: Any, subject: str) -> str:
    option = page.locator("#record-select option", has_text=subject).first
    return str(option.inner_text())


def test_headings_and_rows_work_by_keyboard(browser: Any, page_file: Path) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
        heading = page.locator(".tabulator-col[tabulator-field=s]")
        assert heading.get_attribute("aria-sort") == "descending"
        heading.focus()
        page.keyboard.press("Enter")
        page.locator(".tabulator-col[tabulator-field=s][aria-sort=ascending]").wait_for()
        assert "sort=s-asc" in page.evaluate("location.hash")
        wait_at_rest(page, "#question-table")
        page.locator(".tabulator-row").first.focus()
        page.keyboard.press("ArrowDown")
        second = page.locator(".tabulator-row").nth(1)
        assert second.evaluate("row => row === document.activeElement")


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
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector(READY)
        chart = page.locator("#record-excess svg.plot")
        assert chart.bounding_box()["height"] < 900
        assert "type 19" in chart.text_content() and "type 20" not in chart.text_content()
        page.locator("#record-excess .more-rows", has_text="show all 62").click()
        page.locator("#record-excess svg.plot", has_text="type 61").wait_for()


def test_results_stay_in_sight_on_a_phone(browser: Any, page_file: Path) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.wait_for_selector(READY)
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
    page = browser.new_page()
    seen = Seen(page)
    page.goto(path.as_uri())
    page.wait_for_selector(READY)
    assert not page.is_visible("#record-heading")
    assert not page.is_visible("#record-list")
    assert "record" not in page.inner_text("#made")
    assert seen.messages == []
    page.close()
