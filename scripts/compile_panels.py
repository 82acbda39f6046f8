"""Compile the panels of `data/panels` from a folder of raw files.

    python scripts/compile_panels.py RAW [--out data/panels]

RAW holds `icbe/events.csv` and `icbe/crises.csv`, the International Crisis Behavior Events. Only
tables are written; `study.toml`, `SOURCES.md` and the licence are kept by hand. The same input
gives the same bytes. Which words of ICBe become which kinds of the code book is said here, once.
"""

import argparse
import datetime as dt
import itertools
from collections import Counter
from pathlib import Path

from compile_studies import Row, read_table, write_table

ACTORS = ("do_actor_a", "say_actor_a", "think_actor_a")
BEFORE = dt.timedelta(weeks=8)  # rows before the start that are kept: what was in the air
FEWEST, SHORTEST = 8, 3  # dated rows and weeks of a crisis that teaches anything

FORCE = {  # kind and severity
    "attack": ("strike", "3"), "battle/clash": ("strike", "3"), "bombard": ("strike", "3"),
    "invasion/occupation": ("strike", "4"), "border violation": ("strike", "1"),
    "blockade": ("blockade", "3"), "annex": ("territorial_gain", ""),
    "declaration of war": ("mobilisation", ""), "mobilization": ("mobilisation", ""),
    "deployment to area": ("deployment", ""), "show of force": ("deployment", ""),
    "raise in alert": ("deployment", ""), "exercise": ("deployment", ""),
}  # fmt: skip
YIELD = {
    "retreat": "defeat", "surrender": "defeat", "withdraw from area": "withdrawal",
    "withdraw behind border": "withdrawal", "withdraw from war": "withdrawal",
    "cease fire": "truce_start",
}  # fmt: skip
TURN = {  # away from cooperation
    "break off negotiations": "talks_cancelled", "withdraw diplomats": "talks_cancelled",
    "violate terms of treaty": "truce_breach_alleged", "terminate treaty": "deal_terminated",
}  # fmt: skip
WORDS = {
    "ultimatum": "ultimatum", "threaten": "threat", "demand": "hardline_statement",
    "accuse": "hardline_statement", "disapprove": "hardline_statement", "reject": "rejection",
    "accept": "acceptance", "offer": "offer", "offer - without conditions": "offer",
}  # fmt: skip
HELP = ("join ongoing war", "join war on behalf")  # of a third party, for one of the sides
KINDS = {
    "interact_escalate": {word: kind for word, (kind, _) in FORCE.items()},
    "act_escalate": {k: FORCE[k][0] for k in ("deployment to area", "mobilization")}
    | {k: "deployment" for k in ("raise in alert", "exercise")},
    "interact_deescalate": YIELD,
    "act_deescalate": {"withdraw from area": "withdrawal"},
    "interact_increasecoop": {"mediation": "mediation", "sign formal agreement": "deal_signed"}
    | {k: "ally_joins" for k in HELP},
    "interact_decreasecoop": TURN,
    "sayintkind": WORDS,
    "thinkkind": {"victory": "thought", "defeat": "thought", "fear": "thought"},
}
SIGNAL = {"victory": "1", "defeat": "-1", "fear": "-1"}
TALKS = {  # format and label
    "meeting": ("direct", "talks"), "discussion": ("direct", "talks"),
    "mediation": ("indirect", "talks"), "sign formal agreement": ("direct", "deal"),
    "settle dispute": ("direct", "deal"),
}  # fmt: skip
HOSTILE = {"ultimatum", "threat", "hardline_statement", "rejection"}

CONFLICT = ("conflict", "side_a", "side_b", "start", "end", "outcome_form_code")
EVENT = (
    "conflict", "event_id", "date", "initiator", "target", "kind", "severity", "channel",
    "belief_signal",
)  # fmt: skip
TALK = ("conflict", "talk_id", "date", "format", "label", "confidence")


def words(row: Row, *columns: str) -> list[str]:
    """Return the values of cells that hold several, in order, each once."""
    parts = itertools.chain.from_iterable(row[name].split(";") for name in columns)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def kinds(row: Row) -> list[tuple[str, str]]:
    """Return what a row of ICBe says happened: kinds of the code book and the word of each."""
    said = ((known.get(word), word) for name, known in KINDS.items() for word in words(row, name))
    return [(kind, word) for kind, word in said if kind]


def sides(rows: list[Row]) -> tuple[str, str] | None:
    """Return the two parties that were hostile to one another most often, by name.

    Where pairs are equal, rows without a day decide, then dealings of any kind, then the alphabet.
    """
    pairs: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        hostile = any(kind in HOSTILE or word in FORCE for kind, word in kinds(row))
        for a in words(row, "do_actor_a", "say_actor_a"):
            for b in words(row, "do_actor_b", "say_actor_b"):
                if a != b:
                    first, second = sorted((a, b))
                    counts = pairs.setdefault((first, second), [0, 0, 0])
                    counts[0 if hostile and row["date"] else 1 if hostile else 2] += 1
    return min(pairs, key=lambda pair: ([-n for n in pairs[pair]], pair)) if pairs else None


def day(text: str) -> dt.date | None:
    """Return a date, None where there is none or an impossible one."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def conflict(crisis: Row, rows: list[Row]) -> tuple[Row, list[Row], list[Row]] | None:
    """Return a crisis, its events and its talks; None of one that is too short or too thin."""
    dated = [(when, row) for row in rows if (when := day(row["date"]))]
    end = day(crisis["end"])
    start = day(crisis["start"]) or min((when for when, _ in dated), default=None)
    pair = sides(rows)
    if not end or not start or not pair or len(dated) < FEWEST:
        return None
    weeks = (end - start).days // 7 + 1
    if weeks < SHORTEST:
        return None
    last = start + dt.timedelta(weeks=weeks, days=-1)  # of the week in which it ended
    about = {
        "conflict": crisis["crisno"], "side_a": pair[0], "side_b": pair[1],
        "start": start.isoformat(), "end": end.isoformat(),
        "outcome_form_code": crisis["outcome_form_code"].removesuffix(".0"),
    }  # fmt: skip
    events: list[Row] = []
    talks: list[Row] = []
    for when, row in sorted(dated, key=lambda one: one[0]):
        if not start - BEFORE <= when <= last:
            continue
        base = {"conflict": about["conflict"], "date": when.isoformat()}
        actors = words(row, *ACTORS)
        against = words(row, "do_actor_b", "say_actor_b")
        by = ["ab"[k] for k in (0, 1) if pair[k] in actors] or ["other"]
        for (kind, word), party in itertools.product(kinds(row), by):
            other = "ab"["ba".index(party)] if party in "ab" else ""
            target = other if other and pair["ab".index(other)] in against else "other"
            if party == "other":  # a third party's deed counts by the side that it meets
                met = [side for side in "ab" if pair["ab".index(side)] in against]
                target = met[0] if len(met) == 1 else "other"
            events.append(base | {
                "event_id": f"E{len(events) + 1}", "initiator": party, "target": target,
                "kind": kind, "severity": FORCE.get(word, ("", ""))[1],
                "channel": "private" if kind == "thought" else "action",
                "belief_signal": SIGNAL.get(word, ""),
            })  # fmt: skip
        between = all(name in (*actors, *against) for name in pair)
        for word in words(row, "interact_increasecoop"):
            if word in TALKS:
                form, label = TALKS[word]
                talks.append(base | {
                    "talk_id": f"T{len(talks) + 1}", "format": form, "label": label,
                    "confidence": "high" if between else "low",
                })  # fmt: skip
    return about, events, talks


def crises(raw: Path, out: Path) -> None:
    """Write the panel of crises."""
    by_crisis: dict[str, list[Row]] = {}
    for row in read_table(raw / "icbe" / "events.csv"):
        by_crisis.setdefault(row["crisno"], []).append(row)
    known = (
        conflict(crisis, by_crisis.get(crisis["crisno"], []))
        for crisis in read_table(raw / "icbe" / "crises.csv")
    )
    found = [one for one in known if one]
    write_table(out / "conflicts.csv", CONFLICT, (about for about, _, _ in found))
    write_table(out / "events.csv", EVENT, (row for _, rows, _ in found for row in rows))
    write_table(out / "talks.csv", TALK, (row for _, _, rows in found for row in rows))
    count = Counter(row["kind"] for _, rows, _ in found for row in rows)
    print(f"{out}: {len(found)} conflicts, {count.total()} events, "
          f"{sum(len(rows) for *_, rows in found)} talks")  # fmt: skip


def main() -> None:
    """Compile every panel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("raw", type=Path)
    parser.add_argument("--out", type=Path, default=Path("data/panels"))
    args = parser.parse_args()
    crises(args.raw, args.out / "crises")


if __name__ == "__main__":
    main()
