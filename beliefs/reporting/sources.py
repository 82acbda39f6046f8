"""A study's SOURCES.md for the report: Markdown of a stranger, of which only harmless marks count.

Links, images and inline HTML stay the characters they are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from beliefs.errors import StudyError
from beliefs.reporting.style import printable
from beliefs.study.load import Study
from beliefs.study.safefile import read_lines

__all__ = ["as_html", "study_sources"]

MAX_CHARS = 200_000  # shown; a report stays a file that one can mail
FOREIGN = ["link", "image", "autolink", "reference", "html_block", "html_inline", "entity", "code"]


def study_sources(study: Study) -> Any:
    """Return the study's SOURCES.md as HTML; empty when the folder is no longer there.

    Parameters
    ----------
    study
        Its `path` is read; the text is not part of the study's hash.
    """
    lines: list[str] = []
    room = MAX_CHARS
    try:
        for line in read_lines(study.path, "SOURCES.md"):
            room -= len(line)
            if room < 0:
                lines.append("\n\n(The file goes on; cut here.)")
                break
            lines.append(line)
    except StudyError:
        return ""
    return as_html("".join(lines))


def as_html(text: str) -> Any:
    """Return Markdown as HTML that loads nothing, runs nothing and leads nowhere."""
    from markupsafe import Markup

    parser = _parser()
    tokens = parser.parse(printable(text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(parser.renderer.render(tokens, parser.options, {}))


@cache
def _parser() -> Any:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable(FOREIGN)
