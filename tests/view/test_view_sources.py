"""SOURCES.md becomes plain HTML, whatever a stranger writes into it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from beliefs.reporting.sources import MAX_CHARS, as_html, study_sources


def test_headings_paragraphs_items_and_tables_are_told_apart() -> None:
    text = (
        "# A\n\none\ntwo `x`\n\n- item\n  more\n\n| h | k |\n|---|:--:|\n| 1 | a \\| b |\n\nend\n"
    )
    page = as_html(text)
    assert "<h4>A</h4>" in page and "<p>one\ntwo <code>x</code></p>" in page
    assert "<li>item\nmore</li>" in page and "<td>1</td>" in page and "a | b</td>" in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script> [a](javascript:b)", "![i](http://x/y.png)", "<http://x.y>",
        "<div onload=x>\n\n</div>", "[a]: http://x.y\n\n[a]", "&lt;b&gt; \u202e x",
        "```<script>\nx\n```",
    ],
)  # fmt: skip
def test_html_links_and_images_stay_characters(text: str) -> None:
    page = as_html(text)
    assert not re.search(r"<(?!/?(?:p|pre|code)\b)|href|src=[^h]|\u202e", page)


@pytest.mark.parametrize("unit", ["*a_", "[", "`", "> ", "- ", "|a|b|\n", "\\"])
def test_no_text_takes_long(unit: str) -> None:
    start = time.process_time()
    as_html(unit * (MAX_CHARS // len(unit)))
    assert time.process_time() - start < 10.0  # of the process: other work does not count


def test_long_file_is_cut_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "SOURCES.md").write_text("word\n\n" * MAX_CHARS)
    study: Any = SimpleNamespace(path=tmp_path)
    page = study_sources(study)
    assert len(page) < 4 * MAX_CHARS and "cut here" in page[-40:]
    (tmp_path / "SOURCES.md").unlink()
    assert study_sources(study) == ""
