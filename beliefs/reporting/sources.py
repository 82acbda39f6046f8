"""A study's SOURCES.md as plain blocks: headings, paragraphs, lists and tables, nothing else.

The file comes from a stranger. Blocks hold text alone, which the report's template escapes; links,
images and inline HTML stay the characters they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from beliefs.errors import StudyError
from beliefs.study.load import Study
from beliefs.study.safefile import read_lines

__all__ = ["Block", "parse", "study_sources"]

MAX_CHARS = 200_000  # shown; a report stays a file that one can mail
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?")


@dataclass(frozen=True)
class Block:
    """One block: `kind` is ``heading``, ``paragraph``, ``item`` or ``table``.

    Attributes
    ----------
    kind
        What it is.
    text
        Its text; empty for a table.
    rows
        Cells of a table, its head first; empty otherwise.
    """

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def study_sources(study: Study) -> tuple[Block, ...]:
    """Return the blocks of the study's SOURCES.md; none when the folder is no longer there.

    Parameters
    ----------
    study
        Its `path` is read; the text is not part of the study's hash.
    """
    lines: list[str] = []
    room = MAX_CHARS
    try:
        for line in read_lines(study.path, "SOURCES.md"):
            if len(line) > room:
                return (*parse(lines), Block("paragraph", "(The file goes on; cut here.)"))
            lines.append(line)
            room -= len(line)
    except StudyError:
        return ()
    return parse(lines)


def parse(lines: list[str]) -> tuple[Block, ...]:
    """Split lines of Markdown into blocks.

    Parameters
    ----------
    lines
        Without or with their line ends.
    """
    out: list[Block] = []
    kind = ""  # of the block being continued
    for line in (raw.strip() for raw in lines):
        if not line:
            kind = ""
        elif line.startswith("#"):
            out.append(Block("heading", line.lstrip("#").strip()))
            kind = ""
        elif line.startswith("|"):
            if _RULE.fullmatch(line):
                continue
            rows = out.pop().rows if kind == "table" else ()
            out.append(Block("table", rows=(*rows, _cells(line))))
            kind = "table"
        elif line[:2] in ("- ", "* "):
            out.append(Block("item", line[2:].strip()))
            kind = "item"
        elif kind in ("paragraph", "item"):
            last = out.pop()
            out.append(Block(last.kind, f"{last.text} {line}"))
        else:
            out.append(Block("paragraph", line))
            kind = "paragraph"
    return tuple(out)


def _cells(line: str) -> tuple[str, ...]:
    inner = line.removeprefix("|").removesuffix("|")
    return tuple(cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", inner))
