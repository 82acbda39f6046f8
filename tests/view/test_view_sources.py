"""SOURCES.md becomes plain blocks, whatever a stranger writes into it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from beliefs.reporting.sources import MAX_CHARS, Block, parse, study_sources


def test_headings_paragraphs_items_and_tables_are_told_apart() -> None:
    text = "# A\n\none\ntwo\n\n- x\n  more\n* y\n\n| h | k |\n|---|:--:|\n| 1 | a \\| b |\n\nend\n"
    assert parse(text.splitlines()) == (
        Block("heading", "A"),
        Block("paragraph", "one two"),
        Block("item", "x more"),
        Block("item", "y"),
        Block("table", rows=(("h", "k"), ("1", "a | b"))),
        Block("paragraph", "end"),
    )


def test_html_and_links_stay_characters() -> None:
    (block,) = parse(["<script>x</script> [a](javascript:b)"])
    assert block.text == "<script>x</script> [a](javascript:b)"


def test_long_file_is_cut_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "SOURCES.md").write_text("word\n\n" * MAX_CHARS)
    blocks = study_sources(SimpleNamespace(path=tmp_path))  # type: ignore[arg-type]
    assert sum(len(b.text) for b in blocks) < 2 * MAX_CHARS
    assert "cut here" in blocks[-1].text


def test_missing_file_gives_no_blocks(tmp_path: Path) -> None:
    assert study_sources(SimpleNamespace(path=tmp_path)) == ()  # type: ignore[arg-type]
