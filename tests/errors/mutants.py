"""Small changes of a valid study, as slips of its author would make them.

A row or a cell of a table, or a line or a value of `study.toml`, is dropped, doubled, swapped with
another, blanked, scaled or recoded. A few such changes make a mutant; the same seed makes the same.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from pathlib import Path

import numpy as np

TABLES = ("events.csv", "indicators.csv", "talks.csv", "coverage.csv", "agreements.csv")
OPERATIONS = ("drop", "double", "swap", "blank", "scale", "recode")
FACTORS = (0.0, 0.001, 0.5, 2.0, 10.0, 1000.0, 1e12, -1.0)
DAYS = (-36500, -366, -30, -1, 1, 30, 366, 36500)
VALUE = re.compile(r"(\s*[\w-]+\s*=\s*)(.*)")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def mutate(folder: Path, rng: np.random.Generator, early: str = "9999") -> str:
    """Change a thing or a few in a study folder, and say which.

    Half of the changes to tables are of rows dated before `early`, an ISO date.
    """
    done = []
    for _ in range(rng.geometric(0.7)):
        names = ["study.toml", *(n for n in TABLES if (folder / n).is_file())]
        name, what = rng.choice(names), rng.choice(OPERATIONS)
        text = (folder / name).read_text(encoding="utf-8")
        change = _settings if name == "study.toml" else _table
        text, where = change(text, str(what), rng, early)
        (folder / name).write_text(text, encoding="utf-8", newline="")
        done.append(f"{name}: {what} {where}")
    return "; ".join(done)


def _table(text: str, what: str, rng: np.random.Generator, early: str) -> tuple[str, str]:
    head, *rows = list(csv.reader(io.StringIO(text)))
    if not rows:
        return text, "nothing"
    date = next(k for k, name in enumerate(head) if name in ("date", "start"))
    first = [k for k, row in enumerate(rows) if len(row) > date and row[date] < early]
    at = int(rng.choice(first if first and rng.random() < 0.5 else range(len(rows))))
    other, row = int(rng.integers(len(rows))), rows[at]
    if not row:
        return text, "nothing"
    column = int(rng.integers(len(row)))
    where = f"row {at + 1}"
    if what == "drop":
        del rows[at]
    elif what == "double":
        rows.insert(other, list(row))
    elif what == "swap" and rng.random() < 0.3:
        rows[at], rows[other] = rows[other], rows[at]
    else:
        if what == "blank":
            row[column] = ""
        elif what == "scale":
            able = [k for k, cell in enumerate(row) if scaled(cell, 1.0, 0) is not None]
            column = int(rng.choice(able)) if able else column
            row[column] = scaled(row[column], *_by(rng)) or "x"
        elif what == "swap":
            there = rows[other] if rng.random() < 0.5 else row  # down a column, or along the row
            place = column if there is not row else int(rng.integers(len(row)))
            if place < len(there):
                row[column], there[place] = there[place], row[column]
        else:
            taken = rows[other] if rng.random() < 0.7 else rows[at]
            place = column if taken is not row else int(rng.integers(len(row)))
            row[column] = taken[place] if place < len(taken) else ""
        where += f" {head[min(column, len(head) - 1)]}"
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([head, *rows])
    return out.getvalue(), where


def _settings(text: str, what: str, rng: np.random.Generator, _: str) -> tuple[str, str]:
    lines = text.splitlines()
    full = [k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")]
    at, other = (int(k) for k in rng.choice(full, 2))
    where = f"line {at + 1}"
    one, two = VALUE.fullmatch(lines[at]), VALUE.fullmatch(lines[other])
    if what == "drop":
        del lines[at]
    elif what == "double":
        lines.insert(other, lines[at])
    elif what == "swap" and (one is None or two is None):
        lines[at], lines[other] = lines[other], lines[at]
    elif one is not None:
        key, value = one.groups()
        said = [m for line in lines if (m := VALUE.fullmatch(line))]
        like = [m for m in said if m[1] == key] if rng.random() < 0.7 else said
        if what == "swap":
            assert two is not None
            lines[at], lines[other] = key + two[2], two[1] + value
        elif what == "blank":
            lines[at] = key + ('""' if value.startswith('"') else "[]")
        elif what == "scale":
            by = _by(rng)
            lines[at] = key + re.sub(
                rf"{DATE.pattern}|(?<![\w.])-?\d+\.?\d*", lambda m: scaled(m[0], *by) or "x", value
            )
        else:
            lines[at] = key + like[int(rng.integers(len(like)))][2]
    return "\n".join(lines) + "\n", where


def _by(rng: np.random.Generator) -> tuple[float, int]:
    return float(rng.choice(FACTORS)), int(rng.choice(DAYS))


def scaled(cell: str, factor: float, days: int) -> str | None:
    """A number times a factor, a date so many days on; None of anything else."""
    try:
        if DATE.fullmatch(cell):
            return str(dt.date.fromisoformat(cell) + dt.timedelta(days))
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    product = number * factor
    return f"{product:.0f}" if "." not in cell and product == round(product) else repr(product)
