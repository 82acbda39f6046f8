"""Compile the panels of `data/panels` from a folder of raw files.

    python scripts/compile_panels.py RAW [--out data/panels]

RAW holds `icbe/events.csv` and `icbe/crises.csv`, the International Crisis Behavior Events;
`ceasefires/ceasefires.csv`, the ETH/PRIO Civil Conflict Ceasefire Dataset; and `battles`,
`civil_war`, `exchange_rates` for wars, whose talks are those of `data/wars`. Only tables are
written, with the columns of the study format and `conflict` before them; `study.toml`, `SOURCES.md`
and the licence are kept by hand. The same input gives the same bytes. Which words of a source
become which kinds of the code book is said here, once.
"""

import argparse
import datetime as dt
import itertools
from pathlib import Path

from compile_studies import Row, read_table, write_table

from beliefs.study.bundled import data_folder
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
AGREED = {"truce_start": ("truce", "announced"), "deal_signed": ("transaction", "signed")}
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
    agreements: list[Row] = []
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
        for kind in dict.fromkeys(kind for kind, _ in kinds(row) if kind in AGREED):
            scope, form = AGREED[kind]
            # How it ended is not told: it was in force on its first day.
            agreements.append(base | {
                "agreement_id": f"{crisis['crisno']}-A{len(agreements) + 1}", "scope": scope,
                "form": form, "mutual": str(int(between)), "ended": when.isoformat(),
                "end_kind": "unknown", "confidence": "medium",
            })  # fmt: skip
        for word in words(row, "interact_increasecoop"):
            if word in TALKS:
                form, label = TALKS[word]
                talks.append(base | {
                    "talk_id": f"{crisis['crisno']}-T{len(talks) + 1}", "format": form,
                    "label": label, "direct": "1" if form == "direct" else "0",
                    "confidence": "high" if between else "low",
                })  # fmt: skip
    return {"conflicts": [about], "coverage": [told], "events": events, "talks": talks,
            "agreements": agreements}  # fmt: skip


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
    for name in ("conflicts", "coverage", "events", "talks", "agreements"):
        file, rows = f"{name}.csv", [row for one in found for row in one[name]]
        columns = ("conflict", *columns_of(TABLES[file])) if file in TABLES else CONFLICT
        write_table(out / file, columns, rows)
        print(f"{out / file}: {len(rows)} rows")


WARS = (  # war of data/wars, its number in CDB90, and the name of each side before who fought on it
    ("Mexican-American War", "7", ("USA",), ("Mexico",)),
    ("Franco-Prussian War", "58", ("Germany",), ("France",)),
    ("Russo-Japanese War", "85", ("Japan",), ("Russia",)),
    ("First Balkan War", "100", ("Balkan League", "Serbia", "Bulgaria"), ("Ottoman Empire",)),
    ("World War I (Germany-Allies)", "106",
     ("Allies", "Great Britain", "France", "Russia", "Italy", "Serbia", "USA"),
     ("Central Powers", "Germany", "Austria", "Germany & Austria", "Ottoman Empire")),
    ("First Arab-Israeli War", "148", ("Israel",), ("Arab states", "Egypt", "Syria", "Jordan")),
    ("Korean War", "151", ("USA",), ("North Korea",)),
    ("Yom Kippur War", "181", ("Israel",), ("Arab states", "Egypt", "Syria", "Iraq", "Jordan")),
)  # fmt: skip
CIVIL_WAR = ("american_civil_war", "1861-04-12", "1865-04-09")
CLASS = {"A": "5", "B": "4", "C": "3", "D": "2"}  # of the National Park Service, as severities
LOSSES = (1_000, 10_000, 50_000)  # of both sides, from which a battle is of severity 3, 4, 5
PARITY = {"UK_1 GBP": ("a", 18.16), "Germany_100 mark": ("b", 88.89)}  # kronor, by gold content


def battle(name: str, code: str, when: dt.date, winner: str | None, severity: str) -> Row:
    """Return a battle as an act of the side that won it."""
    loser = {"a": "b", "b": "a"}.get(winner or "", "other")
    return {
        "conflict": name, "event_id": code, "date": when.isoformat(),
        "initiator": winner or "other", "target": loser, "kind": "strike", "severity": severity,
        "channel": "action", "zone": "other", "confidence": "high",
    }  # fmt: skip


def fought(raw: Path, number: str) -> list[tuple[str, dt.date, str, str, bool | None, int]]:
    """Return battles of a war: number, day, attacker, defender, who won (None: nobody), losses."""
    forces: dict[str, dict[str, Row]] = {}
    for row in read_table(raw / "battles" / "cdb90_belligerents.csv"):
        forces.setdefault(row["isqno"], {})[row["attacker"]] = row
    of = {r["isqno"]: r["cow_warno"] for r in read_table(raw / "battles" / "cdb90_wars.csv")}
    battles = {row["isqno"]: row for row in read_table(raw / "battles" / "cdb90_battles.csv")}
    found = []
    for row in read_table(raw / "battles" / "cdb90_battle_durations.csv"):
        if of[row["isqno"]] != number:
            continue
        by, against = (forces[row["isqno"]][k] for k in "10")
        better = int(by["ach"]) - int(against["ach"])
        won = battles[row["isqno"]]["wina"] == "1" or (None if better >= 0 else False)
        losses = sum(int(float(one["cas"] or 0)) for one in (by, against))
        last = dt.date.fromisoformat(row["datetime_max"][:10])
        found.append((row["isqno"], last, by["actors"], against["actors"], won, losses))
    return sorted(found, key=lambda one: one[1])


def wars(raw: Path, out: Path) -> None:
    """Write the panel of wars: battles, what markets thought of both sides, and first talks."""
    known = data_folder()
    onsets = {row["war"]: row for row in read_table(known / "wars" / "war_talk_onsets.csv")}
    tables: dict[str, list[Row]] = {name: [] for name in ("conflicts", *TABLES)}

    def add(name: str, names: tuple[str, str], start: str, end: str) -> dt.date:
        first = day(start) or dt.date.min
        weeks = ((day(end) or first) - first).days // 7 + 1
        last = first + dt.timedelta(weeks=weeks, days=-1)
        tables["conflicts"].append({
            "conflict": name, "side_a": names[0], "side_b": names[1], "start": start,
            "end": last.isoformat(),
        })  # fmt: skip
        tables["coverage.csv"].append({
            "conflict": name, "start": start, "end": last.isoformat(), "density": "headline",
            "instrument": "battles", "note": "battles and talks alone",
        })  # fmt: skip
        return last

    for war, number, *sides_of in WARS:
        row = onsets[war]
        # What is known of talks ends with the first ones.
        name = war.split(" (")[0].lower().replace(" ", "_").replace("-", "_")
        last = add(name, (sides_of[0][0], sides_of[1][0]), row["start"], row["first_talks"])
        side = {actor: "ab"[k] for k in (0, 1) for actor in sides_of[k]}
        for code, when, by, against, won, losses in fought(raw, number):
            if when <= last and by in side and against in side:
                winner = None if won is None else side[by if won else against]
                severity = str(2 + sum(losses >= least for least in LOSSES))
                tables["events.csv"].append(battle(name, f"B{code}", when, winner, severity))
        tables["talks.csv"].append({
            "conflict": name, "talk_id": f"{number}-T1", "date": row["first_talks"],
            "format": "direct", "label": "talks", "direct": "1",
            "confidence": "high" if row["verified"] == "1" else "medium",
        })  # fmt: skip
    name, start, end = CIVIL_WAR
    last = add(name, ("Union", "Confederacy"), start, end)
    won = {"Union": "a", "Confederate": "b"}
    rows = read_table(raw / "civil_war" / "nps_battles.csv")
    for row in sorted(rows, key=lambda row: (row["end_date"], row["cwsac_id"])):
        when = day(row["end_date"])
        if when and when <= last:
            winner = won.get(row["result"])
            severity = CLASS[row["significance"]]
            tables["events.csv"].append(battle(name, row["cwsac_id"], when, winner, severity))
    for row in read_table(known / "us-civil-war" / "talks.csv"):
        tables["talks.csv"].append({"conflict": name} | row)
    notes = {"greenback": ("market_a", 100.0, False), "grayback": ("market_b", 1.0, True)}
    for row in read_table(known / "us-civil-war" / "indicators.csv"):
        if row["indicator"] in notes:
            series, par, turned = notes[row["indicator"]]
            share = par / float(row["value"]) if turned else float(row["value"]) / par
            tables["indicators.csv"].append(
                {"conflict": name, "indicator": series, "date": row["date"],
                 "published_at": row["published_at"], "value": f"{share:.6g}"}
            )  # fmt: skip
    name = "world_war_i"
    for row in read_table(raw / "exchange_rates" / "stockholm_monthly_1913_1922.csv"):
        year, month = map(int, row["month"].split("-"))
        when = (dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)).isoformat()
        for column, (side, par) in PARITY.items():
            if "1914-08" <= row["month"] < "1918-10" and (share := float(row[column]) / par) < 1.0:
                tables["indicators.csv"].append(
                    {"conflict": name, "indicator": f"market_{side}", "date": when,
                     "published_at": when, "value": f"{share:.6g}"}
                )  # fmt: skip
    for file, rows in tables.items():
        columns = ("conflict", "side_a", "side_b", "start", "end")
        if file in TABLES:
            columns = ("conflict", *columns_of(TABLES[file]))
        if rows or file in ("events.csv", "talks.csv"):
            write_table(out / (file if file in TABLES else f"{file}.csv"), columns, rows)
    print(f"{out}: {len(tables['conflicts'])} wars, {len(tables['events.csv'])} battles")


def main() -> None:
    """Compile every panel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("raw", type=Path)
    parser.add_argument("--out", type=Path, default=Path("data/panels"))
    args = parser.parse_args()
    crises(args.raw, args.out / "crises")
    ceasefires(args.raw, args.out / "ceasefires")
    wars(args.raw, args.out / "wars")


if __name__ == "__main__":
    main()
