"""A copy of a study in which what was published after a day is gone, or is something else."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from beliefs.study.bundled import data_folder
from beliefs.study.load import load_study

TABLES = ("indicators", "events", "talks", "agreements")
# What a row says, apart from its name and its dates.
SAID = {
    "indicators": ["value"],
    "events": ["initiator", "target", "kind", "severity", "channel", "belief_signal"],
    "talks": ["format", "label", "direct", "venue", "confidence"],
}


def without_later_rows(name: str | Path, day: str, to: Path) -> tuple[Path, int]:
    """Copy a study without the rows published after a day; and how many those were."""
    return _changed(name, day, to, None)


def with_later_rows_permuted(name: str, day: str, to: Path) -> tuple[Path, int]:
    """Copy a bundled study in which what later rows say has changed places among them."""
    return _changed(name, day, to, np.random.default_rng(1))


def _changed(name, day, to, rng):
    """Copy with later rows permuted in their places, or without them; agreements always without."""
    copy = Path(shutil.copytree(data_folder() / name, to))
    settings = (copy / "study.toml").read_text(encoding="utf-8")
    lags = {i.id: i.publication_lag for i in load_study(name).spec.indicators}
    count = 0
    for table in (t for t in TABLES if (copy / f"{t}.csv").exists()):
        rows = pd.read_csv(copy / f"{table}.csv", dtype=str, keep_default_na=False)
        indicator = rows["indicator"] if table == "indicators" else pd.Series("", rows.index)
        due = pd.to_datetime(rows["date"]) + pd.to_timedelta(
            indicator.map(lags).fillna(0).astype(float), unit="D"
        )
        published = rows["published_at"].where(
            rows["published_at"] != "", due.dt.strftime("%Y-%m-%d")
        )
        late = published > day
        count += int(late.sum())
        if table == "agreements":
            ended = rows["end_published_at"] > day
            rows.loc[ended, ["ended", "end_published_at", "end_kind"]] = ""
            count += int(ended.sum())
        if rng is None or table == "agreements":
            rows = rows[~late]
        else:
            named = rows.iloc[:, 0].map(lambda key: f'"{key}"' in settings)
            free = late & (~named if table == "events" else True)
            for _, mine in rows[free].groupby(indicator):
                rows.loc[mine.index, SAID[table]] = rng.permutation(mine[SAID[table]].to_numpy())
        rows.to_csv(copy / f"{table}.csv", index=False, lineterminator="\n")
    return copy, count
