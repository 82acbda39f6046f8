"""Compile the bundled study tables of `data/` from a folder of raw files.

    python scripts/compile_studies.py RAW [--out data]

Only tables are written; `study.toml`, `SOURCES.md` and `data/claims.csv` are kept by hand. The
output is a pure function of the raw files and of `public_record.csv` and `agreements.csv` beside
this script: the same input gives the same bytes. Values are copied as the text that the source
gives, never re-formatted, so that a number in `data/` can be found again in its source; only weekly
means are computed.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import compile_rules as rules

Row = dict[str, str]
Point = tuple[dt.date, str]

HERE = Path(__file__).resolve().parent
DAY = dt.timedelta(days=1)


def read_table(path: Path) -> list[Row]:
    """Read a CSV file as rows of text."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows of text with these columns and Unix line ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: row.get(name, "") for name in columns} for row in rows)


def day(text: str) -> dt.date:
    """Parse a date, also with one-digit months and days."""
    year, month, number = (int(part) for part in text.split("-"))
    return dt.date(year, month, number)


def later(text: str, days: int) -> str:
    """Return the date `days` after this one."""
    return (day(text) + days * DAY).isoformat()


def series(raw: Path, name: str, start: str, end: str) -> list[Point]:
    """Return the (date, value text) points of a raw series within a span, in order."""
    rows = read_table(raw / "series" / f"{rules.RAW_NAMES.get(name, name)}.csv")
    points = [(day(row["date"]), row["value"]) for row in rows if row["value"] != ""]
    return sorted(point for point in points if day(start) <= point[0] <= day(end))


def indicator_rows(name: str, points: Iterable[Point], lag: int) -> list[Row]:
    """Write points as indicator rows, published `lag` days after their date."""
    return [
        {
            "indicator": name,
            "date": date.isoformat(),
            "published_at": (date + lag * DAY).isoformat(),
            "value": value,
        }
        for date, value in points
    ]


def by_week(points: Iterable[Point], lag: int, monday: dt.date) -> list[list[Point]]:
    """Group points by the week in which they were *published* (weeks start like `monday`)."""
    weeks: dict[int, list[Point]] = {}
    for date, value in points:
        weeks.setdefault((date + lag * DAY - monday).days // 7, []).append((date, value))
    return [weeks[week] for week in sorted(weeks)]


def last_of_week(week: list[Point]) -> Point | None:
    """Return the newest point of a week."""
    return week[-1]


def mean_of_week(week: list[Point]) -> Point | None:
    """Return the mean of a week with four or more values, dated by the last of them."""
    if len(week) < 4:
        return None
    return week[-1][0], f"{sum(float(value) for _, value in week) / len(week):.4f}"


def thin(
    points: Iterable[Point], lag: int, monday: dt.date, pick: Callable[[list[Point]], Point | None]
) -> list[Point]:
    """Reduce points to at most one per week of publication."""
    picked = (pick(week) for week in by_week(points, lag, monday))
    return [point for point in picked if point is not None]


def iaea_rows(raw: Path, end: str) -> list[Row]:
    """Return the stock of 60 % uranium, published on the last day of the month of the report."""
    rows = []
    for row in read_table(raw / "series" / "iaea_stockpile.csv"):
        year, month = (int(part) for part in row["report"].split("-"))
        after = dt.date(year + month // 12, month % 12 + 1, 1)
        published = (after - DAY).isoformat()
        if row["u60_kg"] and row["as_of"] <= published <= end:
            rows.append(
                {
                    "indicator": "iaea_u60",
                    "date": row["as_of"],
                    "published_at": published,
                    "value": row["u60_kg"],
                }
            )
    return rows


def sort_indicators(rows: list[Row]) -> list[Row]:
    """Sort by indicator, date and publication."""
    return sorted(rows, key=lambda row: (row["indicator"], row["date"], row["published_at"]))


def coded_events(raw: Path) -> list[Row]:
    """Return the coded US-Iran events.

    Talks, truces and deals to which neither the United States nor Iran nor a mediator is a party
    are left out: they are another track. A severity on an act that is not kinetic is blanked, as
    the code book asks.
    """
    parties = {"us", "iran", "mediator"}
    rows = []
    for row in read_table(raw / "events" / "us_iran_events.csv"):
        if row["kind"] in rules.DIPLOMATIC and not parties & {row["initiator"], row["target"]}:
            continue
        row["severity"] = row["severity"] if row["kind"] in rules.KINETIC else ""
        rows.append(row)
    return rows


def coverage_rows(raw: Path) -> list[Row]:
    """Return the density of coverage by span, with the instrument that counted."""
    rows = read_table(raw / "events" / "coverage.csv")
    return [row | {"instrument": rules.INSTRUMENTS[row["start"]]} for row in rows]


def talk_label(raw_label: str) -> tuple[str, str]:
    """Return the label and the kind of the derived event ('' when none) of a raw label."""
    for key, label, kind in rules.TALK_LABELS:
        if key in raw_label.lower():
            return label, kind
    raise ValueError(f"talk label {raw_label!r} has no rule")


def talks_and_deals(raw: Path, start: str, end: str) -> tuple[list[Row], list[Row]]:
    """Return the talk rows of a span and the deal, exit and swap events that they imply.

    A negotiation of several days that ended in a deal becomes two rows: the round, and the deal on
    its last day. Rows without a source or without known days have low confidence.
    """
    talks: list[Row] = []
    deals: list[Row] = []
    for number, row in enumerate(read_table(raw / "talks" / "us_iran_talks.csv"), start=1):
        first, last = row["date_start"], row["date_end"]
        if not start <= first <= end:
            continue
        label, kind = talk_label(row["label"])
        verified = row["source_url"] != "memory_unverified"
        known = not any(phrase in row["format"].lower() for phrase in rules.UNKNOWN_DAYS)
        base = {
            "format": row["direct"],
            "direct": "1" if row["direct"] == "direct" else "0",
            "venue": row["venue"],
            "confidence": row["confidence"] if verified and known else "low",
            "source_url": row["source_url"] if verified else "",
        }
        parts = [(a, b, label) for a, b in rules.TALK_SPLITS.get(first, ((first, last),))]
        if label == "deal" and row["direct"] in ("direct", "us_present") and first < last:
            parts = [(first, last, "talks"), (last, last, "deal")]
        for suffix, (begin, finish, what) in zip("abc", parts, strict=False):
            talks.append(
                base
                | {
                    "talk_id": f"T{number:03d}" + (suffix if len(parts) > 1 else ""),
                    "date": begin,
                    "date_end": finish,
                    "published_at": rules.TALK_PUBLISHED.get(first, begin),
                    "label": what,
                }
            )
        if kind:
            happened = last if kind == "deal_signed" else first
            deals.append(
                base
                | {
                    "event_id": f"T{number:03d}",
                    "date": happened,
                    "published_at": happened,
                    "initiator": "us",
                    "target": "iran",
                    "kind": kind,
                    "channel": "action",
                    "red_line": "none",
                    "zone": "other",
                    "coders": "0",
                }
            )
    return talks, deals


def agreement_rows(raw: Path, start: str, end: str) -> list[Row]:
    """Return the agreements that were in force at some time in a span.

    Each row of `agreements.csv` names the talk or the event that it was read from; its address is
    taken over from there.
    """
    talks, _ = talks_and_deals(raw, "2012-10-08", end)
    address = {row["talk_id"]: row["source_url"] for row in talks}
    address |= {row["event_id"]: row["source_url"] for row in coded_events(raw)}
    rows = [
        row | {"source_url": address[row["talk"] or row["event"]]}
        for row in read_table(HERE / "agreements.csv")
        if row["date"] <= end and (not row["ended"] or row["ended"] >= start)
    ]
    kept = {row["agreement_id"] for row in rows}
    return [row | {"parent": row["parent"] if row["parent"] in kept else ""} for row in rows]


def compile_2026(raw: Path, out: Path) -> None:
    """Write the tables of the daily study of 2026."""
    start, end = "2024-12-01", "2026-06-30"
    rows: list[Row] = []
    for name in rules.LAGS:
        if name != "gdelt_tone":
            rows += indicator_rows(name, series(raw, name, start, end), rules.LAGS[name])
    revised = indicator_rows("hormuz_transits", series(raw, rules.HORMUZ_REVISED, start, end), 0)
    rows += [row | {"published_at": rules.HORMUZ_REVISED_ON} for row in revised]
    talks, _ = talks_and_deals(raw, "2025-02-01", end)
    write_table(out / "indicators.csv", rules.INDICATOR_COLUMNS, sort_indicators(rows))
    write_table(out / "events.csv", rules.EVENT_COLUMNS, coded_events(raw))
    write_table(out / "talks.csv", rules.TALK_COLUMNS, talks)
    write_table(out / "coverage.csv", rules.COVERAGE_COLUMNS, coverage_rows(raw))
    agreed = agreement_rows(raw, "2025-12-01", end)
    write_table(out / "agreements.csv", rules.AGREEMENT_COLUMNS, agreed)


def compile_2012(raw: Path, out: Path) -> None:
    """Write the tables of the weekly study since 2012."""
    start, begin, end = "2011-10-03", "2012-10-08", "2026-06-28"
    picks = dict.fromkeys(("usd_irr", "brent", "us_gasoline", "us_approval"), last_of_week)
    picks |= dict.fromkeys(("gpr_threats", "gpr_acts", "gdelt_tone"), mean_of_week)
    rows = iaea_rows(raw, end)
    for name, pick in picks.items():
        weekly = thin(series(raw, name, start, end), rules.LAGS[name], day(begin), pick)
        kept = indicator_rows(name, weekly, rules.LAGS[name])
        rows += [row for row in kept if row["published_at"] <= end]
    talks, deals = talks_and_deals(raw, begin, end)
    events = read_table(HERE / "public_record.csv")
    events += [row for row in deals if row["date"] < "2025-02-01"] + coded_events(raw)
    events = [row for row in events if begin <= row["date"] <= end]
    coverage = [
        dict(zip(rules.COVERAGE_COLUMNS, span, strict=True)) for span in rules.EARLY_COVERAGE
    ]
    coverage += coverage_rows(raw)
    coverage[-1]["end"] = min(coverage[-1]["end"], end)
    write_table(out / "indicators.csv", rules.INDICATOR_COLUMNS, sort_indicators(rows))
    write_table(
        out / "events.csv",
        rules.EVENT_COLUMNS,
        sorted(events, key=lambda row: (row["date"], row["event_id"])),
    )
    write_table(out / "talks.csv", rules.TALK_COLUMNS, talks)
    write_table(out / "coverage.csv", rules.COVERAGE_COLUMNS, coverage)
    agreed = agreement_rows(raw, begin, end)
    write_table(out / "agreements.csv", rules.AGREEMENT_COLUMNS, agreed)


def civil_war_event(number: int, row: Row) -> Row:
    """Code a turning point: a battle counts for the side that it favoured."""
    name, last = row["event_name"], day(row["end_date"]).isoformat()
    base = {
        "event_id": f"C{number:02d}",
        "date": last,
        "channel": "action",
        "red_line": "none",
        "zone": "other",
        "confidence": "medium" if row["question"] == "1" else "high",
        "coders": "1",
    }
    if row["military"] == "0":
        kind, initiator, target = next(v for k, v in rules.CIVIL_NEWS.items() if k in name)
        lag = rules.BATTLE_LAG["east"]
        code = {"kind": kind, "initiator": initiator, "target": target}
    else:
        winner, loser = "union", "confederacy"
        if row["favours_north"] == "0.0":
            winner, loser = loser, winner
        theatre = "west" if any(word in name for word in rules.WESTERN) else "east"
        theatre = "coast" if any(word in name for word in rules.COASTAL) else theatre
        lag = rules.BATTLE_LAG[theatre]
        both = row["catton"] == row["pratt"] == "1"
        code = {"kind": "strike", "initiator": winner, "target": loser}
        code["severity"] = "5" if both else "4"
    return base | code | {"published_at": later(last, lag)}


def compile_civil_war(raw: Path, out: Path) -> None:
    """Write the tables of the weekly study of the American Civil War."""
    folder, start, end = raw / "civil_war", "1862-01-06", "1865-04-09"
    gold = [
        (day(row["date"]), row["gold_value_of_100_greenbacks"])
        for row in read_table(folder / "greenback_gold_value.csv")
        if row["gold_value_of_100_greenbacks"]
    ]
    notes = [
        (day(row["date"]), row["graybacks_per_gold_dollar"])
        for row in read_table(folder / "grayback_gold_price.csv")
        if row["imputed"] == "0"
    ]
    quotes = [
        (day(row["date"]), f"{(float(row['price_low']) + float(row['price_high'])) / 2:g}")
        for row in read_table(folder / "grayback_richmond_quotes.csv")
    ]
    rows: list[Row] = []
    for name, points in (("greenback", gold), ("grayback", notes), ("grayback_richmond", quotes)):
        span = [point for point in points if day(start) <= point[0] <= day(end)]
        rows += indicator_rows(name, thin(span, 0, day(start), last_of_week), 0)
    battles = enumerate(read_table(folder / "battles_and_news.csv"), start=1)
    events = [
        civil_war_event(number, row)
        for number, row in battles
        if not any(name in row["event_name"] for name in rules.BATTLES_LEFT_OUT)
    ]
    events.sort(key=lambda row: (row["date"], row["event_id"]))
    note = "a closed list of turning points: other acts were not recorded"
    coverage = [
        dict(zip(rules.COVERAGE_COLUMNS, (start, end, "headline", "list", note), strict=True))
    ]
    coverage[0]["start"] = min(start, events[0]["date"])
    write_table(out / "coverage.csv", rules.COVERAGE_COLUMNS, coverage)
    write_table(out / "indicators.csv", rules.INDICATOR_COLUMNS, sort_indicators(rows))
    write_table(out / "events.csv", rules.EVENT_COLUMNS, events)
    columns = ("date", "date_end", "format", "direct", "venue")
    talks = [
        ("1864-07-18", "1864-07-20", "direct", "1", "Niagara Falls"),
        ("1865-02-03", "1865-02-03", "direct", "1", "Hampton Roads"),
    ]
    named = [dict(zip(columns, talk, strict=True)) for talk in talks]
    for number, row in enumerate(named, start=1):
        row |= {"talk_id": f"T{number}", "published_at": row["date"], "label": "talks"}
        row["confidence"] = "high" if number == 2 else "medium"
    write_table(out / "talks.csv", rules.TALK_COLUMNS, named)


def compile_reference(raw: Path, out: Path) -> None:
    """Write the two tables behind the base rates: crises, and first talks in wars."""
    codes = ("violence_code", "outcome_form_code", "mediated_code", "us_activity_code")
    whole = ("crisis", "days", *codes, "protracted_code")
    columns = ("crisis", "start", "end", *whole[1:])
    crises = read_table(raw / "crises" / "icb_crises.csv")
    # The raw file carries whole numbers as floats because pandas met blanks.
    rows = [row | {name: row[name].removesuffix(".0") for name in whole} for row in crises]
    write_table(out / "crises" / "icb_crises.csv", columns, rows)
    wars = read_table(raw / "wars" / "war_talk_onsets.csv")
    for row in wars:
        row["verified"] = "0" if row["source_url"] == "memory_unverified" else "1"
        row["source_url"] = row["source_url"] if row["verified"] == "1" else ""
        row["us_belligerent"] = "1" if row["war"] in rules.US_WARS else "0"
    names = ("war", "start", "end", "first_talks", "first_ceasefire", "us_belligerent", "verified")
    names = (*names, "source_url")
    write_table(out / "wars" / "war_talk_onsets.csv", names, wars)


def compile_all(raw: Path, out: Path) -> None:
    """Write every compiled table of the bundled data below `out`."""
    compile_2026(raw, out / "us-iran-2026")
    compile_2012(raw, out / "us-iran-2012")
    compile_civil_war(raw, out / "us-civil-war")
    compile_reference(raw, out)


def main() -> None:
    """Read the command line and compile."""
    parser = argparse.ArgumentParser(description="Compile the bundled study tables.")
    parser.add_argument("raw", type=Path, help="folder of the raw files")
    parser.add_argument("--out", type=Path, default=HERE.parent / "data")
    arguments = parser.parse_args()
    compile_all(arguments.raw, arguments.out)


if __name__ == "__main__":
    main()
