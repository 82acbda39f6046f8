"""A small valid study in a temporary folder, for tests to read and to break.

`write_study(folder)` writes it; pass rows or a text to replace one file. All rows are made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

from beliefs.study.tables.rows import TABLES

START = dt.date(2026, 1, 5)  # a Monday
END = dt.date(2026, 3, 1)  # 56 days, 8 weeks

TOML = """\
format = 1
name = "small"
title = "A small study"
summary = "Made up for tests."
hindcast = false

[period]
start = 2026-01-05
end = 2026-03-01
step = "day"

[codebook]
actors = ["israel", "gulf_state"]
formats = ["us_present"]

[[sides]]
id = "north"
name = "North"
framework = "coercion"
actors = ["north"]
forces = ["north", "israel"]

[[sides]]
id = "south"
name = "South"
framework = "endurance"
endurance = true
actors = ["south"]
forces = ["south"]

[[indicators]]
id = "price"
label = "A price"
unit = "marks"
transform = "log"
publication_lag = 0
halflife = 5
direction = { north = 1, south = -1 }
own = ["north"]
split_by_regime = true
cost = ["south"]
max_age = 3

[[indicators]]
id = "poll"
label = "A poll"
unit = "share"
transform = "logit"
aggregate = "mean"
publication_lag = 2
direction = { north = 1 }
seen_by = ["north"]
resets = [2026-02-10]

[[indicators]]
id = "ships"
label = "Ships"
unit = "ships per day"
transform = "count"
aggregate = "sum"
publication_lag = 3
direction = { south = -1 }
cost = ["north"]
cost_sign = -1

[[indicators]]
id = "attacks"
label = "Attacks by the South"
unit = "severity points"
source = "events"
transform = "count"
initiator = ["south"]
kinds = ["strike", "missile_drone_attack"]
measure = "severity"
direction = { north = -1, south = 1 }

[[channels]]
id = "action"
bias = "anchor"

[[channels]]
id = "market"
bias = "private"
source = "series"

[[channels.series]]
side = "south"
indicator = "price"
scale = 50
invert = true

[crack]
threshold = 0.5
periods = 3

[talks_rule]
headline = "any"

[[talks_rule.rules]]
id = "any"
formats = ["direct", "us_present", "indirect"]
labels = ["talks", "back_channel"]
min_confidence = "medium"

[[talks_rule.rules]]
id = "direct"
formats = ["direct"]
labels = ["talks"]
min_confidence = "high"

[[regimes]]
id = "clashes"
kind = "war"
start = 2026-01-20
end = 2026-02-03
label = "Clashes"

[[regimes]]
id = "pause"
kind = "truce"
start = 2026-02-03
end = 2026-02-20
after = "clashes"
published_at = 2026-02-04
label = "Pause"

[[shocks]]
id = "cabinet"
date = 2026-01-30
published_at = 2026-02-01
kind = "turnover"
side = "south"
label = "New cabinet"

[[shocks]]
id = "embargo"
date = 2026-02-15
kind = "economic"
label = "Embargo"
"""

Rows = Iterable[Sequence[object]]
Cells = tuple[object, ...]


def day(offset: int) -> dt.date:
    """Day `offset` of the period; negative ones lie before it."""
    return START + dt.timedelta(days=offset)


def event(name: str, offset: int, *, lag: int = 0, length: int = 0, **cells: object) -> Cells:
    """One row of events.csv, on day `offset`; other cells by their names."""
    target = "north" if cells.get("initiator", "south") == "south" else "south"
    row = {
        "name": name, "date": day(offset), "end": day(offset + length) if length else "",
        "published": day(offset + lag), "initiator": "south", "target": target, "kind": "strike",
        "severity": 3, "channel": "action", "signal": "", "red_line": "none", "warning": "",
        "zone": "other", "confidence": "high", "coders": 1, "source": "",
    }  # fmt: skip
    assert set(cells) <= set(row)
    return tuple((row | cells).values())


def talk(
    name: str, offset: int, *, length: int = 0, lag: int = 0, form: str = "direct",
    label: str = "talks", confidence: str = "high",
) -> Cells:  # fmt: skip
    """One row of talks.csv, beginning on day `offset`."""
    end = day(offset + length) if length else ""
    return (name, day(offset), end, day(offset + lag), form, label, 1, "Harbour", confidence, "")


def indicator_rows() -> list[Cells]:
    """Ninety days of a price and ships, a poll every third day."""
    days = range(-34, 56)
    return [
        *(("price", day(o), "", round(100 + 5 * ((o * 7) % 11) / 11 + 0.3 * o, 3)) for o in days),
        *(("poll", day(o), "", round(0.4 + 0.01 * ((o * 5) % 7), 3)) for o in days[::3]),
        *(("ships", day(o), "", (o * 13) % 29) for o in days),
    ]


def event_rows() -> list[Cells]:
    """A dozen events of both sides."""
    return [
        event("E1", -20, kind="threat", severity="", channel="public", signal=1),
        event("E2", 3, initiator="north", kind="ultimatum", severity="", signal=2),
        event("E3", 12, initiator="mediator", kind="mediation", severity="", channel="private"),
        event("E4", 15, severity=4, signal=1),
        event("E5", 15, initiator="north", severity=2.5, signal=0),
        event("E6", 18, severity=2, length=3),
        event("E7", 24, initiator="israel", kind="assassination", severity=5),
        event("E8", 28, kind="offer", severity="", signal=-1, lag=2),
        event("E9", 35, kind="sanctions_relief", initiator="north", severity="", signal=-0.5),
        event("E10", 40, kind="missile_drone_attack", severity=1, lag=1),
        event("E11", 44, kind="hardline_statement", severity="", channel="public", signal=1),
        event("E12", 52, initiator="north", severity=3, signal=1),
    ]


def talk_rows() -> list[Cells]:
    """Four rounds, one made public late."""
    return [
        talk("T1", -1, form="indirect"),
        talk("T2", 20, length=2),
        talk("T3", 33, lag=4, label="back_channel", form="indirect", confidence="medium"),
        talk("T4", 48, length=1, confidence="low"),
    ]


def coverage_rows() -> list[Cells]:
    """Thin before the period, dense, a gap, then dense by another instrument."""
    return [
        (day(-60), day(-35), "headline", "papers", "large events only"),
        (day(-34), day(23), "dense", "digest", ""),
        (day(24), day(26), "none", "nothing", "nobody looked"),
        (day(27), day(40), "dense", "digest", ""),
        (day(41), day(60), "dense", "wire", "counts more"),
    ]


def csv_text(name: str, rows: Rows) -> str:
    """Header and rows of one table."""
    return "".join(",".join(map(str, cells)) + "\n" for cells in (TABLES[name].model_fields, *rows))


def write_study(folder: Path, *, toml: str = TOML, **tables: Rows) -> Path:
    """Write the study, with some of its tables replaced by rows; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(toml, encoding="utf-8")
    (folder / "SOURCES.md").write_text("Made up for tests.\n", encoding="utf-8")
    tables = {
        "indicators": indicator_rows(),
        "events": event_rows(),
        "talks": talk_rows(),
        "coverage": coverage_rows(),
        **tables,
    }
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(f"{name}.csv", rows), encoding="utf-8")
    return folder
