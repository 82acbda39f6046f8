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
    return _changed(name, day, to, None)


def with_later_rows_permuted(name: str, day: str, to: Path, seed: int) -> tuple[Path, int]:
    """Copy a bundled study in which what later rows say has changed places among them."""
    rng = random.Random(seed)
    settings = (data_folder() / name / "study.toml").read_text(encoding="utf-8")

    def permute(table, late):
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

    return _changed(name, day, to, permute)


def _changed(name, day, to, permute):
    """Copy with later rows permuted in their places, or without them; agreements always without."""
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
        ended = [row for row in rows if row.get("end_published_at", "") > day]
        count += len(late) + len(ended)
        for row in ended:
            row |= {"ended": "", "end_published_at": "", "end_kind": ""}
        if permute is None or table == "agreements":
            rows = [row for row in rows if published(row, lags) <= day]
        else:
            permute(table, late)
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return copy, count
