"""A copy of a study in which what was published after a day is gone, or is something else."""

import csv
import random
import shutil
from pathlib import Path

import numpy as np

from beliefs.study.bundled import data_folder
from beliefs.study.load import load_study

TABLES = ("indicators", "events", "talks", "agreements")
# What a row says, apart from its name and its dates.
SAID = {
    "indicators": ("value",),
    "events": ("initiator", "target", "kind", "severity", "channel", "belief_signal"),
    "talks": ("format", "label", "direct", "venue", "confidence"),
}


def published(row, lags):
    """The day on which a row was published."""
    if row.get("published_at"):
        return row["published_at"]
    day = np.datetime64(row.get("date") or row["start"])
    return str(day + np.timedelta64(lags.get(row.get("indicator"), 0), "D"))


def without_later_rows(name: str, day: str, to: Path) -> tuple[Path, int]:
    """Copy a bundled study without the rows published after a day; and how many those were."""
    return _changed(name, day, to, lambda table, late: [])


def with_later_rows_permuted(name: str, day: str, to: Path, seed: int) -> tuple[Path, int]:
    """Copy a bundled study in which what later rows say has changed places among them."""
    rng = random.Random(seed)
    settings = (data_folder() / name / "study.toml").read_text(encoding="utf-8")

    def permuted(table, late):
        free = [row for row in late if f'"{row.get("event_id")}"' not in settings]
        groups = {}
        for row in free:
            groups.setdefault(row.get("indicator"), []).append(row)
        for rows in groups.values():
            columns = [c for c in SAID.get(table, ()) if c in rows[0]]
            said = [{c: row[c] for c in columns} for row in rows]
            rng.shuffle(said)
            for row, new in zip(rows, said, strict=True):
                row.update(new)
        return late

    return _changed(name, day, to, permuted)


def _changed(name, day, to, what):
    copy = Path(shutil.copytree(data_folder() / name, to))
    lags = {i.id: i.publication_lag for i in load_study(name).spec.indicators}
    count = 0
    for table in TABLES:
        file = copy / f"{table}.csv"
        if not file.exists():
            continue
        with file.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            columns, rows = reader.fieldnames, list(reader)
        late = [row for row in rows if published(row, lags) > day]
        count += len(late)
        kept = [row for row in rows if published(row, lags) <= day]
        for row in kept:
            if row.get("end_published_at", "") > day:
                row |= {"ended": "", "end_published_at": "", "end_kind": ""}
                count += 1
        after = [row for row in what(table, late)] if table != "agreements" else []
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows([*kept, *after])
    return copy, count
