"""The small study of `make_study`, with acts, truces and agreements to be seen. All made up.

War until day 28; a truce from day 29 with a deadline on day 40, prolonged by one side on day 39 and
broken on day 50.
"""

from __future__ import annotations

from pathlib import Path

from make_study import TOML, Rows, day, event, write_study

from beliefs.study.tables.rows import Agreement

HEADER = ",".join(Agreement.model_fields)
TABLES = """
[strikes]
min_severity = 2
[truce]
[redlines]
lines = { capital = 4 }
[offers]
made = ["offer", "sanctions_relief"]
[sanctions]
[agreements]
[excluded]
actors = ["gulf_state"]
[periphery]
zones = ["lebanon"]
[zones]
watched = ["gulf", "lebanon"]
[agenda]
zones = ["gulf"]
[hinge]
indicator = "price"
level = 1
[pressure]
north = ["poll"]
south = ["price", "attacks"]
[power_shift]
kinds = ["deployment"]
memory = 14
[proxy]
side = "north"
[forecast]
origins = [2026-02-01, 2026-02-10]
[[safeguards]]
id = "line"
kind = "hotline"
start = 2026-02-05
published_at = 2026-02-07
end = 2026-02-20
[[safeguards]]
id = "sea"
kind = "zone"
zones = ["gulf"]
start = 2026-02-05
[[concessions]]
id = "no_sanctions"
side = "north"
initiator = ["north"]
kinds = ["sanction"]
[[spoilers]]
event = "S1"
attributed_at = 2026-02-11
"""
ACTIONS = TOML + TABLES


def row(name: str, offset: int, scope: str = "truce", **more: object) -> tuple[object, ...]:
    """One row of agreements.csv, made on day `offset`; `ended`, `deadline` are days as well."""
    ended, deadline = more.get("ended"), more.get("deadline")
    return (
        *(name, day(offset), day(offset + int(str(more.get("lag", 0)))), scope),
        *(more.get("form", "announced"), more.get("mutual", 1)),
        "" if deadline is None else day(int(str(deadline))),
        "" if ended is None else day(int(str(ended))),
        "" if "end_lag" not in more else day(int(str(ended)) + int(str(more["end_lag"]))),
        *(more.get("end_kind", ""), more.get("parent", ""), "high", ""),
    )


def agreements() -> list[tuple[object, ...]]:
    """A truce, its extension, a treaty that is given up, and a swap."""
    return [
        row("G0", -30, "treaty", form="signed", ended=45, end_lag=1, end_kind="terminated"),
        row("G1", 28, deadline=40, ended=39, end_kind="extended_unilateral"),
        row("G2", 34, "transaction", lag=1),
        row("G3", 39, form="tacit", mutual=0, ended=50, end_kind="collapse", parent="G1"),
    ]


def acts() -> list[tuple[object, ...]]:
    """Acts of force and words, before, in and after the truce."""
    return [
        event("W1", 10, severity=4.5),
        event("W2", 12, initiator="north", severity=3),
        event("W3", 13, severity=1),
        event("W4", 14, severity=4, red_line="capital", warning=1, zone="gulf"),
        event("W5", 15, severity=3, red_line="capital", target="gulf_state"),
        event("W6", 16, initiator="gulf_state", severity=3),
        event("W7", 17, initiator="israel", severity=2, zone="lebanon"),
        event("D1", 20, initiator="north", kind="deployment", severity=""),
        event("B1", 36, severity=2),
        event("B2", 37, initiator="israel", severity=2, target="other"),
        event("S1", 35, initiator="none", kind="mine_or_sabotage", severity=1, zone="gulf"),
        event("X1", 42, initiator="north", kind="sanction", severity=""),
        event("O1", 30, kind="offer", severity=""),
        event("O2", 31, initiator="north", kind="rejection", severity="", zone="gulf"),
        event("O3", 32, kind="counter_offer", severity="", lag=1),
    ]


def write_actions(folder: Path, *, toml: str = ACTIONS, **tables: Rows) -> Path:
    """Write the study; dense by one instrument throughout unless `coverage` is given."""
    dense = [(day(-60), day(60), "dense", "digest", "")]
    own = {"events": acts(), "agreements": agreements(), "coverage": dense}
    return write_study(folder, toml=toml, **own | tables)
