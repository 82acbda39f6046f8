"""Claims beside the evidence: rows of the report's page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beliefs.errors import StudyError
from beliefs.reporting.style import GREY, VERDICT_COLOURS, number, whole_percent

__all__ = ["claim_groups", "read_verdicts"]

_NEEDED = ("id", "seed", "title", "claimed", "verdict", "sentence")


def read_verdicts(path: str | Path, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a file that ``beliefs verdicts --json`` wrote.

    Parameters
    ----------
    path
        The file.
    about
        Manifest of the run that they are to stand beside: ``study``, ``study_sha256``, ``as_of``.

    Raises
    ------
    StudyError
        The file cannot be read, is no such file, or judges by another study, or by the same one
        as of another date.
    """
    try:
        if not Path(path).is_file():
            raise OSError("no regular file")
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
        rows = raw["verdicts"]
        good = all(isinstance(row[name], str) for row in rows for name in _NEEDED)
    except (OSError, ValueError, KeyError, TypeError) as error:
        good, rows, raw = False, [], str(error)
    if not good:
        raise StudyError(
            "this is no file of verdicts",
            where=str(path),
            found=str(raw)[:80],
            expected="what `beliefs verdicts STUDY --json` prints",
            mend="write it with `beliefs verdicts STUDY --json > FILE`",
        )
    if raw.get("study_sha256") != about["study_sha256"]:
        study, day = about.get("study"), about["as_of"]
        raise StudyError(
            "these verdicts are those of another study, or of other rows of it",
            where=str(path),
            found=f"verdicts on {raw.get('study')} as of {raw.get('as_of')}",
            expected=f"verdicts on {study} as of {day}, on the rows that the run was made of",
            mend=f"write them with `beliefs verdicts RUN/study --as-of {day} --json > FILE`",
        )
    return list(rows)


def claim_groups(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the report shows: by source text, its claims beside the evidence.

    Parameters
    ----------
    rows
        Verdicts as dictionaries, see `beliefs.evaluation.claims.verdicts.Verdict.as_dict`.
    """
    out = []
    for seed in dict.fromkeys(row["seed"] for row in rows):
        mine = [row for row in rows if row["seed"] == seed]
        out.append(
            {
                "seed": seed,
                "author": mine[0].get("author", ""),
                "count": ", ".join(
                    f"{n} {name}" for name, n in Counter(r["verdict"] for r in mine).most_common()
                ),
                "claims": [_claim(row) for row in mine],
            }
        )
    return out


def _claim(row: Mapping[str, Any]) -> dict[str, Any]:
    def share(name: str) -> str:
        value = row.get(name)
        return "–" if value is None else whole_percent(float(value))

    delta, low, high = (row.get(k) for k in ("delta_log_score", "delta_low", "delta_high"))
    score = "–" if delta is None else number(float(delta), 1)
    if low is not None and high is not None and delta is not None:
        score += f" ({number(float(low), 1)} to {number(float(high), 1)})"
    return {
        **row,
        "colour": VERDICT_COLOURS.get(row["verdict"], GREY),
        "p": share("p_claim"),
        "p_prior": share("p_prior"),
        "contraction": share("contraction"),
        "score": score,
    }
