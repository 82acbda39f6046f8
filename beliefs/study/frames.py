"""A study from data frames: what they do not say is guessed, and marked so in its ``study.toml``.

A frame of indicators is wide (a row for each day, a column for each series) or long (`indicator`,
`date`, `value`, perhaps `published_at`). Frames of the other tables have their columns, of which
those with a usual value may be left out.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from beliefs.errors import StudyError
from beliefs.study.bundled import slug_of
from beliefs.study.dates import Fault, Grid, day_of, read_day, today
from beliefs.study.safefile import Table
from beliefs.study.spec import STEPS
from beliefs.study.tables.cells import csv_text, text_cells, texts_of
from beliefs.study.tables.codebook import KINETIC
from beliefs.study.tables.rows import TABLES
from beliefs.study.writefile import replace_file

USUAL: dict[str, dict[str, Any]] = {
    "events": {"target": "none", "channel": "public", "zone": "other", "confidence": "high"},
    "talks": {"format": "direct", "label": "talks", "direct": 1, "confidence": "high"},
    "coverage": {"instrument": "all"},
    "agreements": {"scope": "truce", "form": "signed", "mutual": 1, "confidence": "high"},
}
"""Values of columns that a frame may leave out; others are blank, ids are numbered."""
NEEDED = {
    "events": {"date", "initiator", "kind"},
    "talks": {"date"},
    "agreements": {"date", "scope"},
}
"""What a frame of new rows has at least."""
ACTING = ("initiator", "target")
LONG = {"indicator", "date", "value"}  # columns of a long frame, at least
LEARNING = 8  # values of a series that only teach what to expect
RECENT = np.timedelta64(60, "D")  # a study that ended longer ago is a hindcast
FEW = 50.0  # median below which whole numbers are counts
MOST_DAYS, MOST_WEEK = 3, 20  # usual days from value to value by the day, and by the week


class Guess(NamedTuple):
    """A setting that nobody gave."""

    value: Any


Card = str | Sequence[str] | Guess
Sides = Mapping[str, Card | Mapping[str, Any]]
"""By side its scorecard, or a table of ``[[sides]]`` in which it is `own`."""


def write_frames(
    folder: Path,
    indicators: Any,
    sides: Sides,
    *,
    name: str,
    talks: Any = None,
    events: Any = None,
    readings: Mapping[str, str] | None = None,
    period: Sequence[Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    sources: str = "Given as data frames.",
) -> None:
    """Write a study folder; see `beliefs.Study.from_frames`."""
    parties, values = _parties(sides), long(indicators)
    if len(parties) != 2:
        raise StudyError(
            "a confrontation has two sides", where="sides", found=", ".join(parties) or "nothing",
            expected="exactly two", fix="put allies together, or leave the third side's series out",
        )  # fmt: skip
    given = {"talks": talks, "events": events, **(tables or {})}
    frames = {"indicators": values.assign(indicator=values["indicator"].map(id_of))} | {
        table: whole(table, frame)
        for table, frame in given.items()
        if frame is not None or table in ("talks", "events")
    }
    acting = {c: frames["events"][c].replace({s: id_of(s) for s in sides}) for c in ACTING}
    frames["events"] = frames["events"].assign(**acting)
    labels = {id_of(word): _title(word) for word in values["indicator"]}
    read = {id_of(side): id_of(series) for side, series in (readings or {}).items()}
    spec = _settings(name, labels, parties, read, period, frames)
    if "agreements" in frames:
        spec["agreements"] = {"coverage": Guess(["dense", "headline"])}
    text = toml_text(_merged(spec, settings or {}))
    replace_file(folder / "study.toml", text, last=False)
    replace_file(folder / "SOURCES.md", sources + "\n", last=False)
    for table, frame in frames.items():
        file, columns = f"{table}.csv", [*frame.columns]
        cells = Table(file, range(len(frame)), text_cells(frame, columns, table))
        text = csv_text(columns, texts_of(TABLES[file], cells))
        replace_file(folder / file, text, last=False)


def from_csv(file: Path, folder: Path, name: str) -> None:
    """Write a study folder of a CSV file with a column of days and one for each series.

    Sides are made up, and series stand on their scorecards in turn; a column of 0 and 1 whose name
    tells of talks says when these were held.
    """
    try:
        data = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise _unread(file, str(error)) from None
    found = {c: data[c].dropna() for c in data.columns}
    day = next((c for c, of in found.items() if len(of) and _are_days(of)), None)
    numbers = [c for c, of in found.items() if pd.api.types.is_numeric_dtype(of) and len(of)]
    talks = [c for c in numbers if "talk" in c.lower() and found[c].isin([0, 1]).all()]
    names = [c for c in numbers if c not in talks]
    if day is None or not names:
        first = "; ".join(f"{c}: {of.iloc[0]}" for c, of in found.items() if len(of))
        raise _unread(file, first or "no rows")
    data = data.dropna(subset=[day]).rename(columns={day: "date"})
    write_frames(
        folder, data[["date", *names]],
        {f"side_{x}": Guess(names[k::2]) for k, x in enumerate("ab")}, name=name,
        talks=data["date"][data[talks].sum(axis=1) > 0], sources=f"{', '.join(names)}: {file.name}",
    )  # fmt: skip


def frame_of(data: Any) -> Any:
    """Return a data frame; columns of text become one, nothing where they are blank."""
    return data if hasattr(data, "columns") else pd.DataFrame(data).replace("", None)


def id_of(word: str) -> str:
    """Return a word as a study's id: `Tons lost` as ``tons_lost``."""
    plain = re.sub(r"[^a-z0-9]+", "_", str(word).lower()).strip("_")[:38]
    return plain if plain[:1].isalpha() else f"x_{plain}"


def _title(word: str) -> str:
    """Return a word as people read it, as given unless it is an id."""
    return word.replace("_", " ").capitalize() if word == id_of(word) else word


def _parties(sides: Sides) -> dict[str, dict[str, Any]]:
    """Return by id of a side what is said of it, its scorecard by ids."""
    out = {}
    for word, of in sides.items():
        said = dict(of) if isinstance(of, Mapping) else {"own": of}
        given = said.pop("own", ())
        card = given.value if isinstance(given, Guess) else given
        card = [card] if isinstance(card, str) else card
        own = [x[: x.startswith("-")] + id_of(x) for x in card]
        signed = Guess(own) if isinstance(given, Guess) else own
        out[id_of(word)] = {"name": _title(word), "own": signed} | said
    return out


def _are_days(values: pd.Series) -> bool:
    try:
        return bool([read_day(_last_day(x)) for x in values])
    except Fault:
        return False


def _last_day(value: Any) -> Any:
    """Return the last day of a month written as 2026-02, or of a pandas Period."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", value):
        value = pd.Period(value, "M")
    return value.end_time.to_pydatetime() if isinstance(value, pd.Period) else value


def _unread(file: Path, found: str) -> StudyError:
    return StudyError(
        "no study can be made of this file", where=str(file), found=found,
        expected="a CSV file with a column of days such as 2026-02-28, and one or more of numbers",
        fix="write the days with hyphens, year first, and the numbers without units",
    )  # fmt: skip


def long(data: Any) -> pd.DataFrame:
    """Return values of series as rows of ``indicators.csv``, those without a value left out."""
    if hasattr(data, "to_dataset") and hasattr(data, "to_pandas"):  # an xarray.DataArray
        data = data.to_pandas()
    elif hasattr(data, "data_vars"):
        data = data.to_dataframe()
    data = pd.DataFrame(data)
    if not LONG <= set(data.columns):
        if "date" not in data.columns:
            if isinstance(data.index, pd.RangeIndex):
                raise StudyError(
                    "a data frame has no days", where="indicators",
                    found=", ".join(map(str, data.columns)), expected="days as its index",
                    fix="name the column of days `date`, or make it the index",
                )  # fmt: skip
            data = data.rename_axis("date").reset_index()
        data = data.melt("date", var_name="indicator")
    if "published_at" not in data.columns:
        data = data.assign(published_at=None)
    data = data.dropna(subset=["value"])
    data = data.assign(indicator=data["indicator"].astype(str), date=_days(data, "indicators"))
    numbers = pd.to_numeric(data["value"], errors="coerce")
    if numbers.isna().any():
        row = data[numbers.isna()].iloc[0]
        raise StudyError(
            "a value is not a number",
            where=f"indicators, {row['indicator']} of {row['date']:%Y-%m-%d}",
            found=repr(row["value"]), expected="numbers, or nothing where a value is unknown",
            fix="write 1234.5, without separators or units, or leave the column out",
        )  # fmt: skip
    data = data.assign(value=numbers)
    return data.sort_values(["indicator", "date"])[["indicator", "date", "published_at", "value"]]


def _days(data: pd.DataFrame, table: str) -> Any:
    """Return the column of days, which may be text, dates or times without a zone."""
    found = [day_of(_last_day(x), f"{table}, row {k}") for k, x in enumerate(data["date"])]
    return np.array(found, dtype="datetime64[s]")  # pandas knows no days


def completed(
    data: pd.DataFrame, columns: Mapping[str, Sequence[str]], series: Collection[str]
) -> tuple[str, pd.DataFrame]:
    """Return the table that a frame of new rows is of, and the frame with all of its columns.

    `columns` are those of every table, `series` the ids of a study's indicators. A frame of neither
    comes back as it is, under no name.
    """
    given = {*data.columns}
    for table in (name.removesuffix(".csv") for name in columns):
        known = {*columns[f"{table}.csv"]}
        if given == known:
            return table, data
    if given >= LONG or {id_of(c) for c in given - {"date"}} <= {*series}:
        rows = long(data)
        return "indicators", rows.assign(indicator=rows["indicator"].map(id_of))
    for table, needed in NEEDED.items():
        if needed <= given <= {*columns[f"{table}.csv"]}:
            return table, whole(table, data)
    return "", data


def whole(table: str, data: Any) -> pd.DataFrame:
    """Return a table with every column that its file has; talks may be days alone.

    Rows without an id are numbered by their days, so that a row given again is the same row.
    """
    model, usual = TABLES[f"{table}.csv"], USUAL[table]
    if not isinstance(data, pd.DataFrame):
        data = pd.DataFrame({"date": [] if data is None else list(data)})
    if unknown := [c for c in data.columns if c not in model.model_fields]:
        near = difflib.get_close_matches(str(unknown[0]), model.model_fields, 1)
        raise StudyError(
            "a data frame has a column that its table has not", where=table,
            found=str(unknown[0]), expected="one of " + ", ".join(model.model_fields),
            fix=f"rename it to {near[0]}" if near else "rename it, or leave it out",
        )  # fmt: skip
    more: dict[str, Any] = {c: usual.get(c) for c in model.model_fields if c not in data.columns}
    if "date" in data.columns:
        more["date"] = _days(data, table)
    if model.key in more and "date" in more:
        days = pd.Series(more["date"])
        which = days.groupby(days).cumcount() + 1
        more[model.key] = [
            f"{table[0].upper()}{day:%Y%m%d}-{k}" for day, k in zip(days, which, strict=True)
        ]
    if table == "events" and "channel" in more and "kind" in data.columns:
        more["channel"] = ["action" if kind in KINETIC else "public" for kind in data["kind"]]
    return data.assign(**more)[[*model.model_fields]].sort_values([*model.order])


def _settings(
    name: str, known: Mapping[str, str], sides: Mapping[str, Mapping[str, Any]],
    readings: Mapping[str, str], period: Sequence[Any] | None, frames: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:  # fmt: skip
    """Return what ``study.toml`` says; `known` are labels of indicators by id."""
    values = frames["indicators"]
    guessed = any(isinstance(of["own"], Guess) for of in sides.values())
    cards = {s: of["own"].value if guessed else of["own"] for s, of in sides.items()}
    named = {sign.lstrip("-") for card in cards.values() for sign in card} | {*readings.values()}
    for wrong in (*(n for n in named if n not in known), *(n for n in known if n not in named)):
        there = wrong in known
        near = difflib.get_close_matches(wrong, named if there else known, 1)
        raise StudyError(
            f"an indicator {'stands on no scorecard' if there else 'has no values'}",
            where="sides" if there else "indicators", found=wrong,
            expected="one of " + ", ".join(named if there else known),
            fix=f"did you mean {near[0]!r}?" if near else
            "name it in `sides` or `readings`, with a minus where its rise is bad for the side",
        )  # fmt: skip
    by = {n: of for n, of in values.groupby("indicator")}
    scale = {n: 100.0 if by[n]["value"].max() > 1.0 else 1.0 for n in readings.values()}
    channels: list[dict[str, Any]] = [
        {"id": "action", "bias": "anchor"},
        {"id": "private", "bias": "private"},
        {"id": "public", "bias": "public"},
    ]
    if readings:
        series = [{"side": s, "indicator": n, "scale": scale[n]} for s, n in readings.items()]
        channels += [{"id": "series", "bias": Guess("public"), "source": "series"} | {
            "series": series}]  # fmt: skip
    held = frames["talks"][frames["talks"]["format"] != "none"]
    kinds = [sorted({*of}) for of in (held["format"], held["label"])]
    kinds = [of or [usual] for of, usual in zip(kinds, ("direct", "talks"), strict=True)]
    first, last, step = _period(values, period)
    given = (lambda x: x) if period else Guess
    return {
        "format": 1, "name": slug_of(Path(name)), "title": name,
        "summary": Guess(" and ".join(of["name"] for of in sides.values())),
        "hindcast": Guess(bool(np.datetime64(last) < today() - RECENT)), "theory": Guess("simple"),
        "period": {"start": given(first), "end": given(last), "step": given(step)},
        "sides": [
            {
                "id": side, "name": of["name"],
                "framework": Guess("coercion"), "actors": [side], "forces": [side],
            } | {k: v for k, v in of.items() if k != "own"}
            for side, of in sides.items()
        ],
        "indicators": [
            {
                "id": n, "label": label, "unit": Guess("as given"),
                "transform": Guess(_transform(by[n]["value"])),
                "publication_lag": Guess(0),
            } | _meaning(n, cards, guessed)
            for n, label in known.items()
        ],
        "channels": channels,
        "talks_rule": {
            "headline": "any",
            "rules": [{"id": "any", "formats": kinds[0], "labels": kinds[1]}],
        },
    }  # fmt: skip


def _meaning(name: str, cards: Mapping[str, Sequence[str]], guessed: bool) -> dict[str, Any]:
    """Return what a rise of a series means, and on whose scorecard it stands."""
    said = {s: -1 if f"-{name}" in card else 1 for s, card in cards.items()
            if {name, f"-{name}"} & {*card}}  # fmt: skip
    if not said:  # a reading of belief alone
        return {}
    rest = {side: Guess(-next(iter(said.values()))) for side in cards if side not in said}
    return {"direction": said | rest, "own": Guess([*said]) if guessed else [*said]}


def _transform(values: pd.Series) -> str:
    low, high = float(values.min()), float(values.max())
    if 0.0 < low and high < 1.0:
        return "logit"
    if low >= 0.0 and (values == values.round()).all() and (low == 0.0 or values.median() < FEW):
        return "count"
    return "log" if low > 0.0 else "identity"


def _period(values: pd.DataFrame, period: Sequence[Any] | None) -> tuple[dt.date, dt.date, str]:
    """Return first and last day and step, guessed from the days of the values where not given."""
    if period is not None:
        start, end = (day_of(x, "period").item() for x in period[:2])
        return start, end, period[2] if len(period) > 2 else _step(values)
    days = values["date"].dt.date
    first, last, step = min(days), max(days), _step(values)
    each = [of["date"].dt.date.tolist() for _, of in values.groupby("indicator")]
    ninth = min((of[LEARNING] for of in each if len(of) > LEARNING), default=first)
    third = first + (last - first) // 3
    start = min(day for of in each for day in of if day >= min(ninth, third))
    start = start.replace(day=1) if step == "month" else start
    grid = Grid(np.datetime64(start, "D"), STEPS[step], 1)
    whole = Grid(grid.start, grid.step_days, int(grid.index(np.datetime64(last, "D"))) + 1)
    return start, whole.last_days[-1].item(), step


def _step(values: pd.DataFrame) -> str:
    """Return the longest period in which the densest series has a value as a rule."""
    gaps = values.groupby("indicator")["date"].apply(lambda of: of.diff().median()).dropna()
    days = gaps.min().days if len(gaps) else STEPS["week"]
    return "day" if days <= MOST_DAYS else "week" if days <= MOST_WEEK else "month"


def _merged(settings: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which others replace those of the same name; rows of a list go by id."""
    out = dict(settings)
    for key, value in more.items():
        old = out.get(key)
        if isinstance(value, Mapping) and isinstance(old, list):
            value = {id_of(name): of for name, of in value.items()}
            known = [row["id"] for row in old]
            if wrong := [name for name in value if name not in known]:
                near = difflib.get_close_matches(wrong[0], known, 1)
                raise StudyError(
                    "settings are given of something that is not there", where=f"settings, {key}",
                    found=wrong[0], expected="one of " + ", ".join(known),
                    fix=f"did you mean {near[0]!r}?" if near else "give the whole list instead",
                )  # fmt: skip
            value = [row | value.get(row["id"], {}) for row in old]
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            value = _merged(dict(old), value)
        out[key] = value
    return out


def toml_text(settings: Mapping[str, Any], at: str = "") -> str:
    """Return settings as TOML, with a remark beside every guess."""
    lines, tables = [], []
    for key, value in settings.items():
        rows = value if isinstance(value, list) and value and isinstance(value[0], Mapping) else []
        if rows and not (at and key == "series"):
            tables += [f"\n[[{at}{key}]]\n{toml_text(row, f'{at}{key}.')}" for row in rows]
        elif isinstance(value, Mapping) and not at:
            tables.append(f"\n[{key}]\n{toml_text(value, f'{key}.')}")
        else:
            guessed = "  # guessed" if "Guess(" in repr(value) else ""
            lines.append(f"{key} = {_toml(value)}{guessed}\n")
    return "".join(lines + tables)


def _toml(value: Any) -> str:
    match value:
        case Guess():
            return _toml(value.value)
        case Mapping():
            return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
        case dt.date():
            return str(value)
        case str() | bool() | int() | float():
            return json.dumps(value, ensure_ascii=False)
        case Iterable():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return str(value)
