"""What a user does on the page, in a real Chromium: another record, search, sort, open, share."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.report.browsing import in_browser, opened, press_on_row, wait_at_rest
from tests.made_records import HOSTILE
from tst.analysis.report.assemble import render_report
from tst.records.run_records import find_records, read_record

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = in_browser


def test_search_sort_and_detail(browser: Any, page_file: Path, study: Any) -> None:
    with opened(browser, page_file) as (page, seen):
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
    with opened(browser, page_file) as (page, seen):
        assert "zero-shot" not in page.locator("#record-cards").inner_text()
        last = page.locator("#record-select option").count() - 1
        page.select_option("#record-select", str(last))
        page.locator("#record-title", has_text="TsT-LLM").wait_for()
        page.locator("#record-cards", has_text="zero-shot").wait_for()
        page.locator(".tabulator-col[tabulator-field=delta]").wait_for()
        assert seen.messages == []


def test_questions_that_are_not_in_the_page(
    browser: Any, study: tuple[Path, dict[str, Path]], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tst.analysis.report.assemble.MAX_QUESTIONS", 100)
    found = find_records(study[0])
    path = tmp_path / "report.html"
    path.write_text(render_report(found, [], []), encoding="utf-8")
    with opened(browser, path) as (page, seen):
        assert page.locator("#questions").is_visible()
        page.select_option("#record-select", "1")
        page.locator("#record-identity", has_text="tst report record=").wait_for()
        assert not page.locator("#questions").is_visible()
        assert page.locator("#record-charts svg").count() > 0
        assert seen.messages == []


def test_the_address_keeps_record_search_order_and_open_question(
    browser: Any, page_file: Path, study: tuple[Path, dict[str, Path]]
) -> None:
    llm = read_record(study[1]["llm"])
    at = f"#record={llm.hash}&search=how&sort=baseline-asc"
    with opened(browser, page_file, at=at) as (page, seen):
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

        again = page.context.new_page()
        again.goto(address)
        again.locator("dialog[open]", has_text=wanted["id"]).wait_for()
        again.locator("#shown", has_text="1 of 96").wait_for()
        assert seen.messages == []


def _label(page: Any, subject: str) -> str:
    option = page.locator("#record-select option", has_text=subject).first
    return str(option.inner_text())


def test_headings_and_rows_work_by_keyboard(browser: Any, page_file: Path) -> None:
    with opened(browser, page_file) as (page, _):
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
