import base64
import gzip
import json
import re
from pathlib import Path

import pytest

from tests.made_records import HOSTILE
from tst.analysis.report import assemble
from tst.analysis.report.assemble import as_script, render_report
from tst.records.run_records import Found, find_records


def test_the_page_stands_alone(study: tuple[Path, dict[str, Path]]) -> None:
    page = render_report(find_records(study[0]), [], [], study[0])
    sources = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?([^\"' >]*)", page)
    assert sources == ["data:,"]
    assert "[[" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert "sourceMappingURL" not in page
    assert "MIT License" in page
    assert "Observable" in page
    assert "default-src 'none'" in page


def test_all_questions_are_inside(study: tuple[Path, dict[str, Path]]) -> None:
    found = find_records(study[0])
    page = render_report(found, [], [])
    chunks = re.findall(r'<script type="text/plain" id="questions-\d+">(.*?)</script>', page)
    assert len(chunks) == len(found.records)
    columns = json.loads(gzip.decompress(base64.b64decode(chunks[0])))
    assert len(columns["id"]) == 96
    assert HOSTILE in columns["reasons"][0]
    assert HOSTILE not in page


def test_one_record_has_no_overview(study: tuple[Path, dict[str, Path]]) -> None:
    [first, *_] = find_records(study[0]).records
    page = render_report(Found([first], []), [], [])
    assert '"overview":null' in page


def test_no_text_can_close_the_script() -> None:
    text = as_script({"a": HOSTILE, "b": "<!-- & -->"})
    assert "<" not in text
    assert json.loads(text) == {"a": HOSTILE, "b": "<!-- & -->"}


def test_a_page_holds_the_questions_of_some_records(
    study: tuple[Path, dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_records(study[0])
    monkeypatch.setattr(assemble, "MAX_QUESTIONS", 3 * 96)
    chosen = assemble.choose_records(sorted(found.records, key=lambda r: r.seed))
    whats = {(r.subject, r.scheme) for r in found.records}
    assert {(r.subject, r.scheme) for r in chosen} == whats  # the second seed waits
    assert len(chosen) == 3
    page = render_report(found, [], [])
    assert page.count('id="questions-') == 3
    (left_out,) = (r for r in found.records if r not in chosen)
    assert f"tst report record={left_out.path}" in page
    monkeypatch.setattr(assemble, "MAX_QUESTIONS", 10)
    assert len(assemble.choose_records(found.records)) == 1


def opened(page: str) -> str:
    """The hash of the record that a page shows first."""
    (data,) = re.findall(r'<script type="application/json" id="report-data">(.*?)</script>', page)
    return json.loads(data)["records"][0]["hash"]


def test_a_report_opens_on_grouped_folds_or_on_the_record_that_is_named(
    study: tuple[Path, dict[str, Path]],
) -> None:
    root, paths = study
    found = find_records(root)
    by_path = {record.path: record for record in found.records}
    assert opened(render_report(found, [], [])) == by_path[paths["grouped"]].hash
    for name in ("llm", "random_43"):
        record = by_path[paths[name]]
        assert opened(render_report(found, [], [], opens_on=record)) == record.hash
