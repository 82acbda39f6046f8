"""Every way of breaking a study that we know of ends in an error that says where, and the fix.

Each is one change to the small valid study of `tests/study/make_study.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import NamedTuple

import pytest
from make_actions import HEADER
from make_study import write_study

from beliefs import StudyError, build_inputs, load_study

S, I, E, T, C = "study.toml", "indicators.csv", "events.csv", "talks.csv", "coverage.csv"
A = "agreements.csv"

Break = Callable[[Path], None]


class Case(NamedTuple):
    """One broken study, and where the error says it is: file, line, and column, key or byte."""

    name: str
    where: str
    mutate: Break


def breaking(change: Callable[..., object]) -> Callable[..., Break]:
    """What is done to the path of a file becomes a function of its name and of how."""

    @wraps(change)
    def given(file: str, *how: object) -> Break:
        return lambda folder: change(folder / file, *how)

    return given


@breaking
def swap(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_bytes(text.replace(old, new, 1).encode())


@breaking
def add(path: Path, text: str) -> None:
    """Append a text."""
    with path.open("a", encoding="utf-8") as handle:
        handle.write(text)


put = breaking(Path.write_bytes)
drop = breaking(Path.unlink)


@breaking
def recode(path: Path, encoding: str) -> None:
    """Write a file again in another encoding, with a letter outside ASCII."""
    text = path.read_text(encoding="utf-8").replace("Harbour", "Málaga")
    path.write_bytes(text.encode(encoding))


@breaking
def link(path: Path, target: str = "") -> None:
    """Replace a file by a link: to its copy outside of the folder, or to the target."""
    outside = path.parent.parent / "outside"
    shutil.move(path, outside)
    path.symlink_to(target or outside)


@breaking
def grow(path: Path, size: int, tail: bytes = b"") -> None:
    """Make a file as large as that, by a hole."""
    with path.open("r+b") as handle:
        handle.truncate(size)
        handle.seek(size)
        handle.write(tail)


@breaking
def as_folder(path: Path) -> None:
    """Replace a file by a folder of its name."""
    path.unlink()
    path.mkdir()


def as_file(folder: Path) -> None:
    """Replace the study folder by a file."""
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def both(*breaks: Break) -> Break:
    """Do one thing after another."""

    def mutate(folder: Path) -> None:
        for change in breaks:
            change(folder)

    return mutate


def agree(*rows: str) -> Break:
    """Write agreements.csv, and the table that it needs."""
    text = "\n".join([HEADER, *rows]) + "\n"
    return both(add(S, "[agreements]\n"), put(A, text.encode()))


MB = 2**20
PRICE = "price,2026-02-28,,118.018"
FIRST = "G1,2026-01-20,,truce,announced,1,2026-02-10,,,,,high,"
ENDED = "G1,2026-01-20,,truce,announced,1,,2026-02-01,2026-02-02,extended_mutual,,high,"
# Name, where the error says it is, what stands in that file, what instead.
SLIPS = """\
missing column|events.csv:1 column zone|,zone|
extra column|indicators.csv:1 column n|value|value,n
cell left out|indicators.csv:36 column 3|2026-01-05,,100.0|2026-01-05,
open quotation mark|talks.csv:3 column 1|T2,|"T2,
not TOML|study.toml:2 column 8|name = "small"|name = small
newer format|study.toml:1 format|format = 1|format = 2
unknown key|study.toml:37 indicators[0].halflive|halflife|halflive
text for a number|study.toml:37 indicators[0].halflife|halflife = 5|halflife = "5"
week for a date|study.toml:9 period.end|end = 2026-03-01|end = "2026-W09-7"
number for a truth value|study.toml:5 hindcast|hindcast = false|hindcast = 0
name with a path|study.toml:2 name|name = "small"|name = "../small"
direction of 2|study.toml:38 indicators[0].direction.north|north = 1, south|north = 2, south
ends before it starts|study.toml:9 period.end|end = 2026-03-01|end = 2025-03-01
period of 200 years|study.toml:9 period.end|start = 2026-01-05|start = 1826-01-05
shared party|study.toml:29 sides[1].forces|forces = ["south"]|forces = ["israel"]
unknown actor|study.toml:28 sides[1].actors|actors = ["south"]|actors = ["east"]
unknown side reads|study.toml:38 indicators[0].direction|south = -1 }|east = -1 }
indicator twice|study.toml:55 indicators[2]|id = "ships"|id = "poll"
filter of a series|study.toml:39 indicators[0].kinds|own = ["north"]|kinds = ["strike"]
read but unseen|study.toml:51 indicators[1].direction|{ north = 1 }|{ south = 1 }
channel of no event|study.toml:78 channels[0].id|id = "action"|id = "rumour"
mistyped format|study.toml:101 talks_rule.rules[0].formats|"indirect"]|"indirct"]
regimes overlap|study.toml:121 regimes[1].start|start = 2026-02-03|start = 2026-02-02
after an unknown regime|study.toml:123 regimes[1].after|after = "clashes"|after = "clash"
regime published early|study.toml:124 regimes[1].published_at|2026-02-04|2026-02-02
shock twice|study.toml:135 shocks[1]|id = "embargo"|id = "cabinet"
impossible day|indicators.csv:90 column date|2026-02-28|2026-02-30
day number of a spreadsheet|indicators.csv:90 column date|2026-02-28|46081
rows out of order|indicators.csv:90 column date|2026-02-28|2026-02-01
value before its date|indicators.csv:90 column published_at|02-28,,|02-28,2026-02-27,
NaN|indicators.csv:36 column value|2026-01-05,,100.0|2026-01-05,,nan
percentage under logit|indicators.csv:94 column value|poll,2025-12-08,,0.4|poll,2025-12-08,,40
undeclared indicator|indicators.csv:90 column indicator|price,2026-02-28|prize,2026-02-28
strike without severity|events.csv:5 column severity|strike,4|strike,
unknown kind|events.csv:8 column kind|assassination|murder
unknown channel|events.csv:4 column channel|private|secret
event id twice|events.csv:13 column event_id|E12|E11
gap of coverage|coverage.csv:5 column start|2026-02-01|2026-02-03
span ends early|coverage.csv:4 column end|2026-01-31|2026-01-01
no instrument|coverage.csv:6 column instrument|wire|
"""
CASES = [
    *(Case(name, where, swap(where.partition(":")[0], old, new))
      for name, where, old, new in (line.split("|") for line in SLIPS.splitlines())),
    # Files
    Case("not a folder", "", as_file),
    *(Case(f"no {name}", name, drop(name)) for name in (S, I, E, T, "SOURCES.md")),
    Case("empty sources", "SOURCES.md:1", put("SOURCES.md", b"\n")),
    Case("link out of the folder", "events.csv", link(E)),
    Case("link to a device", "indicators.csv", link(I, "/dev/zero")),
    Case("folder, not a file", "talks.csv", as_folder(T)),
    Case("huge file", "events.csv", grow(E, 65 * MB)),
    Case("line of 50 MB", "indicators.csv:212", grow(I, 50 * MB, b"\n")),
    Case("NUL byte", "talks.csv:1 byte 9", put(T, b"talk_id,\x00")),
    Case("UTF-16", "talks.csv:1 byte 4", recode(T, "utf-16")),
    Case("Latin-1", "talks.csv:2 byte 45", recode(T, "latin-1")),
    Case("only a header", "coverage.csv:1", put(C, b"start,end,density,instrument,note\n")),
    Case("no header", "indicators.csv:1 column indicator",
         swap(I, "indicator,date,published_at,value\n", "")),
    Case("endless cell", "talks.csv:3 column 1", swap(T, "T2,", '"T2,' + "x\n" * 99999)),
    # Settings
    Case("brackets without end", "study.toml:1", add(S, f"x = {'[' * 3000}")),
    Case("number of 5000 digits", "study.toml:140 column 1", add(S, f"x = {'9' * 5000}")),
    Case("no period", "study.toml:1 period",
         swap(S, '[period]\nstart = 2026-01-05\nend = 2026-03-01\nstep = "day"', "")),
    Case("share of something negative", "indicators.csv:36 column value",
         both(swap(S, '"log"', '"identity"'), swap(I, ",100.0", ",-1"))),
    Case("unknown zone", "events.csv:2 column zone",
         both(swap(S, '= ["us_present"]', '= ["us_present"]\nzones = ["coast"]'),
              swap(E, ",other,high", ",hill,high"))),
    Case("unknown covariate", "study.toml:141 reference.talks",
         add(S, "[reference]\ntalks = { us_actr = 1 }\n")),
    # Tables
    Case("revision before its value", "indicators.csv:91 column published_at",
         swap(I, PRICE, "price,2026-02-28,2026-03-09,1\nprice,2026-02-28,2026-03-05,2")),
    Case("rows of a counted indicator", "indicators.csv:212 column indicator",
         add(I, "attacks,2026-03-01,,1\n")),
    Case("row twice", "indicators.csv:91 column date", swap(I, PRICE, f"{PRICE}\n{PRICE}")),
    Case("row twice by its lag", "indicators.csv:123 column date",
         swap(I, "ships,2025-12-02,,22", "ships,2025-12-02,,22\nships,2025-12-02,2025-12-05,9")),
    Case("coverage begins late", "coverage.csv:2 column start",
         both(swap(C, "2025-11-06,2025-12-01,headline,papers,large events only\n", ""),
              swap(C, "2025-12-02", "2026-01-06"))),
    # Actions
    Case("unknown actions key", "study.toml:141 strikes.min_severty",
         add(S, "[strikes]\nmin_severty = 2\n")),
    Case("no matter of the agenda", "study.toml:140 agenda", add(S, "[agenda]\n")),
    Case("unknown hinge", "study.toml:141 hinge.indicator",
         add(S, '[hinge]\nindicator = "prise"\nlevel = 1\n')),
    Case("pressure without a direction", "study.toml:141 pressure.south",
         add(S, '[pressure]\nsouth = ["poll"]\n')),
    Case("spoiler twice", "study.toml:143 spoilers[1]",
         add(S, '[[spoilers]]\nevent = "E1"\nattributed_at = 2026-02-02\n' * 2)),
    Case("agreements without their table", "study.toml:1 agreements",
         put(A, f"{HEADER}\n{FIRST}\n".encode())),
    Case("unknown ending", "agreements.csv:2 column end_kind",
         agree(ENDED.replace("extended_mutual", "extended"))),
    Case("agreement neither mutual nor not", "agreements.csv:2 column mutual",
         agree(FIRST.replace("announced,1", "announced,"))),
    Case("end published early", "agreements.csv:2 column end_published_at",
         agree(ENDED.replace("2026-02-02", "2026-01-31"))),
    Case("continues nothing", "agreements.csv:2 column parent",
         agree(FIRST.replace(",,high", ",G0,high"))),
    Case("continues what is in force", "agreements.csv:3 column parent",
         agree(FIRST, FIRST.replace("G1", "G2").replace(",,high", ",G1,high"))),
    Case("continues what ends later", "agreements.csv:3 column parent",
         agree(ENDED, "G2,2026-02-01,,truce,announced,1,,,,,G1,high,")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_broken_study_is_refused_with_place_and_fix(case, tmp_path):
    study = write_study(tmp_path / "small")
    case.mutate(study)
    with pytest.raises(StudyError) as caught:
        build_inputs(load_study(study))
    error = caught.value
    assert error.exit_code == 2
    for part in ("where: ", "found: ", "expected: ", "fix: "):
        assert part in error.render()
    assert error.where == (case.where or str(study))
