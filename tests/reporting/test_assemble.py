import base64
import gzip
import json
import re
from pathlib import Path

from tests.made_records import HOSTILE
from tst.reading.records import Found, find_records
from tst.reporting.assemble import as_script, render_report


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
