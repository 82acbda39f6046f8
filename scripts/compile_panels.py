"""Compile the panels of `data/panels` from a folder of raw files.

    python scripts/compile_panels.py RAW [--out data/panels]

RAW holds `icbe/events.csv` and `icbe/crises.csv`, the International Crisis Behavior Events, and
`ceasefires/ceasefires.csv`, the ETH/PRIO Civil Conflict Ceasefire Dataset. Only tables are written,
with the columns of the study format and `conflict` before them; `study.toml`, `SOURCES.md` and the
licence are kept by hand. The same input gives the same bytes. Which words of a source become which
kinds of the code book is said here, once.
"""

import argparse
import datetime as dt
import itertools
from pathlib import Path

from compile_studies import Row, read_table, write_table

from beliefs.study.tables.cells import columns_of
from beliefs.study.tables.rows import TABLES

ACTORS = ("do_actor_a", "say_actor_a", "think_actor_a")
BEFORE = dt.timedelta(weeks=8)  # rows before the start that are kept: what was in the air
FEWEST, SHORTEST = 8, 3  # dated rows and weeks of a crisis that teaches anything
LONGEST = 156  # weeks that are kept of a crisis

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

CONFLICT = ("conflict", "side_a", "side_b", "start", "end", "ended", "outcome_form_code")


def words(row: Row, *columns: str) -> list[str]:
    """Return the values of cells that hold several, in order, each once."""
    parts = itertools.chain.from_iterable(row[name].split(";") for name in columns)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def kinds(row: Row) -> list[tuple[str, str]]:
    """Return what a row of ICBe says happened: kinds of the code book and the word of each."""
    said = ((known.get(word), word) for name, known in KINDS.items() for word in words(row, name))
    return [(kind, word) for kind, word in said if kind]


def sure(row: Row) -> str:
    """Return how sure the coders of a row were, "low" where one of them was not sure."""
    said = words(row, "raterconfidence")
    return "low" if {"low", "none"} & {*said} else "high" if said else "medium"


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


def conflict(crisis: Row, rows: list[Row]) -> dict[str, list[Row]] | None:
    """Return the rows of a crisis by table; None of one that is too short or too thin."""
    dated = [(when, row) for row in rows if (when := day(row["date"]))]
    ended = day(crisis["end"])
    start = day(crisis["start"]) or min((when for when, _ in dated), default=None)
    pair = sides(rows)
    if not ended or not start or not pair or len(dated) < FEWEST:
        return None
    weeks = (ended - start).days // 7 + 1
    if weeks < SHORTEST:
        return None
    # Of the week in which it ended.
    last = start + dt.timedelta(weeks=min(weeks, LONGEST), days=-1)
    name = {"conflict": crisis["crisno"]}
    about = name | {
        "side_a": pair[0], "side_b": pair[1], "start": start.isoformat(), "end": last.isoformat(),
        "ended": ended.isoformat(),
        "outcome_form_code": crisis["outcome_form_code"].removesuffix(".0"),
    }  # fmt: skip
    told = name | {
        "start": (start - BEFORE).isoformat(), "end": last.isoformat(), "density": "headline",
        "instrument": "narrative", "note": "what one narrative of the crisis names",
    }  # fmt: skip
    events: list[Row] = []
    talks: list[Row] = []
    for when, row in sorted(dated, key=lambda one: one[0]):
        if not start - BEFORE <= when <= last:
            continue
        base = name | {"date": when.isoformat()}
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
                "event_id": f"{crisis['crisno']}-E{len(events) + 1}", "initiator": party,
                "target": target, "kind": kind, "severity": FORCE.get(word, ("", ""))[1],
                "channel": "private" if kind == "thought" else "action",
                "belief_signal": SIGNAL.get(word, ""), "zone": "other", "confidence": sure(row),
            })  # fmt: skip
        between = all(name in (*actors, *against) for name in pair)
        for word in words(row, "interact_increasecoop"):
            if word in TALKS:
                form, label = TALKS[word]
                talks.append(base | {
                    "talk_id": f"{crisis['crisno']}-T{len(talks) + 1}", "format": form,
                    "label": label, "direct": "1" if form == "direct" else "0",
                    "confidence": "high" if between else "low",
                })  # fmt: skip
    return {"conflicts": [about], "coverage": [told], "events": events, "talks": talks}


ENDS = {"1": "lapse", "2": "collapse", "4": "extended_mutual", "3": "unknown", "-1": "unknown"}
LAST = dt.date(2020, 12, 31)  # of the data on ceasefires
FORMS = {"0": "announced", "1": "signed", "2": "signed"}


def exact(row: Row, what: str) -> dt.date | None:
    """Return a date of a ceasefire, None where it is not known to the day."""
    parts = [row[f"{what}_{unit}"].zfill(2) for unit in ("yr", "month", "day")]
    return day("-".join(parts))


def truce(row: Row) -> Row | None:
    """Return a ceasefire as an agreement; None of one whose beginning is not known to the day.

    One whose end is unknown is known to have been in force on its first day alone.
    """
    start, ended = exact(row, "cf_effect") or exact(row, "cf_dec"), exact(row, "end")
    if not start or start > LAST:
        return None
    kind = ENDS.get(row["ended"], "")
    if kind and (not ended or ended < start):
        kind, ended = "unknown", start
    due = row["fixed_time"] if row["fixed"] == "1" else ""
    deadline = start + dt.timedelta(days=int(due)) if due.isdigit() else None
    return {
        "conflict": row["ucdp_acd_id"], "agreement_id": f"{row['cc']}-{row['cf_id']}",
        "date": start.isoformat(), "scope": "truce", "form": FORMS.get(row["written"], "tacit"),
        "mutual": "0" if row["side"] == "1" else "1",
        "deadline": deadline.isoformat() if deadline else "",
        "ended": min(ended, LAST).isoformat() if kind and ended else "", "end_kind": kind,
        "confidence": "medium",
    }  # fmt: skip


def ceasefires(raw: Path, out: Path) -> None:
    """Write the panel of ceasefires: conflicts by their UCDP number, one row a ceasefire."""
    conflicts: dict[str, Row] = {}
    found: dict[str, Row] = {}
    for row in read_table(raw / "ceasefires" / "ceasefires.csv"):
        one = truce(row)
        if one is None or not row["ucdp_acd_id"].isdigit():
            continue
        found.setdefault(one["agreement_id"], one)
        about = conflicts.setdefault(one["conflict"], {
            "conflict": one["conflict"], "side_a": f"Government of {row['location']}",
            "side_b": "Armed opponents", "start": one["date"], "end": LAST.isoformat(),
        })  # fmt: skip
        about["start"] = min(about["start"], one["date"])
    rows = sorted(found.values(), key=lambda row: (int(row["conflict"]), row["date"]))
    listed = sorted(conflicts.values(), key=lambda row: int(row["conflict"]))
    columns = ("conflict", *columns_of(TABLES["agreements.csv"]))
    write_table(out / "agreements.csv", columns, rows)
    write_table(out / "conflicts.csv", ("conflict", "side_a", "side_b", "start", "end"), listed)
    told = [
        {"conflict": row["conflict"], "start": row["start"], "end": row["end"],
         "density": "headline", "instrument": "ceasefires", "note": "ceasefires alone"}
        for row in listed
    ]  # fmt: skip
    for name, rows_of in (("events.csv", []), ("talks.csv", []), ("coverage.csv", told)):
        write_table(out / name, ("conflict", *columns_of(TABLES[name])), rows_of)
    print(f"{out}: {len(listed)} conflicts, {len(rows)} ceasefires")


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
    for name in ("conflicts", "coverage", "events", "talks"):
        file, rows = f"{name}.csv", [row for one in found for row in one[name]]
        columns = ("conflict", *columns_of(TABLES[file])) if file in TABLES else CONFLICT
        write_table(out / file, columns, rows)
        print(f"{out / file}: {len(rows)} rows")


def main() -> None:
    """Compile every panel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("raw", type=Path)
    parser.add_argument("--out", type=Path, default=Path("data/panels"))
    args = parser.parse_args()
    crises(args.raw, args.out / "crises")
    ceasefires(args.raw, args.out / "ceasefires")


if __name__ == "__main__":
    main()
