"""What a rerun of the backtests changed: mean scores before and after, of the same windows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from card.skill import table

__all__ = ["change_lines", "changed", "write_changes"]

SCORES = {"talks": "log", "strikes": "crps"}
"""Targets that are followed from rerun to rerun, by the beginning of their names."""
KEY = ["target", "horizon", "forecaster"]


def changed(study: str, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return mean scores against climatology before and after, of windows that both have.

    Parameters
    ----------
    study
        Name of the study.
    before, after
        Tables of skill, see `beliefs.evaluation.scores.skilltable`.
    """
    own = []
    for skill in (before, after):
        start = skill["target"].str.split("_").str[0]
        wanted = (skill["against"] == "climatology") & (skill["score"] == start.map(SCORES))
        own.append(skill[wanted][[*KEY, "n", "mean"]])
    both = own[0].merge(own[1], on=[*KEY, "n"], suffixes=("_before", "_after"))
    return both.assign(study=study)


def write_changes(folder: Path, because: str, found: Sequence[pd.DataFrame]) -> None:
    """Keep what changed, and why, in `folder`."""
    rows = pd.concat(found).to_dict("records")
    text = json.dumps({"because": because, "rows": rows}, indent=1)
    (folder / "changes.json").write_text(text + "\n", encoding="utf-8")


def change_lines(folder: Path) -> list[str]:
    """Return the section of the card; nothing where no rerun was kept."""
    file = folder / "changes.json"
    if not file.is_file():
        return []
    kept = json.loads(file.read_text(encoding="utf-8"))
    frame = pd.DataFrame(kept["rows"])
    names = sorted(frame["forecaster"].unique())
    rows = [["study", "target", "days", "n", *names]]
    for (study, target, days, n), part in frame.groupby(["study", "target", "horizon", "n"]):
        cells = {
            r["forecaster"]: f"{r['mean_before']:.3f} → {r['mean_after']:.3f}"
            for _, r in part.iterrows()
        }
        rows.append([f"`{study}`", f"`{target}`", str(days), str(n),
                     *(cells.get(name, "") for name in names)])  # fmt: skip
    return [
        "## What changed", "",
        f"Since the runs before: {kept['because']}. Mean scores of the same windows before and "
        "after, log score of talks and CRPS of strikes; less is better.", "",
        *table(rows, right=2), "",
    ]  # fmt: skip
