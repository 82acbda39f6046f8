"""What moved between two runs: rows, beliefs, probabilities, and what moved each belief."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.evaluation.attribution import causes
from beliefs.forecasting.forecast import forecast
from beliefs.inference.posterior import Posterior
from beliefs.model.contract import logistic
from beliefs.records.ledger.ledger_entry import SEED
from beliefs.records.run import load_run
from beliefs.study.load import Study

__all__ = ["diff_runs", "moved_beliefs", "moved_rows"]

TABLES = ("indicators", "events", "talks", "coverage", "agreements")
EXAMPLES = 10  # rows of each table printed in full


def diff_runs(one: str | Path, two: str | Path) -> dict[str, Any]:
    """Return what differs between two runs of one study.

    Parameters
    ----------
    one, two
        Run folders; the origin of `two` is not before that of `one`.

    Returns
    -------
    dict
        ``rows`` by table (added, removed, examples of each); ``beliefs`` by side with the parts
        of the change; ``targets``, see `beliefs.forecasting.compare.moved`, of forecasts made anew
        from both posteriors without interventions (`beliefs.records.foretold`); ``untold``, why
        there are none, or None.

    Raises
    ------
    StudyError
        The runs are of different studies, or in the wrong order.
    """
    first, second = load_run(one), load_run(two)
    begun = [
        (p.study.spec.name, p.structure.sides, str(p.inputs.dates[0])) for p in (first, second)
    ]
    if begun[0] != begun[1] or first.inputs.step_days != second.inputs.step_days:
        raise StudyError(
            "the two runs are of different confrontations",
            where=f"{one}, {two}",
            found=" and ".join(f"{n} of {', '.join(s)} from {day}" for n, s, day in begun),
            expected="two runs of one study",
            mend="choose another pair",
        )
    if second.origin < first.origin:
        raise StudyError(
            "the second run ends before the first",
            where=f"{one}, {two}",
            found=f"origins {first.origin} and {second.origin}",
            expected="the earlier run first",
            mend=f"beliefs diff {two} {one}",
        )
    targets, untold = _moved_targets((Path(one), Path(two)), (first, second))
    return {
        "runs": [
            {
                "run": str(path),
                "as_of": str(p.study.as_of),
                "origin": str(p.origin),
                "theory": p.theory.name,
                "theory_sha256": p.theory.sha256,
            }
            for path, p in ((one, first), (two, second))
        ],
        "rows": {table: moved_rows(first.study, second.study, table) for table in TABLES},
        "beliefs": moved_beliefs(first, second),
        "targets": targets,
        "untold": untold,
    }


def moved_rows(one: Study, two: Study, table: str) -> dict[str, Any]:
    """Return the rows of a table that only one of two studies holds, as of their dates.

    A revision counts as one row added; the row it revises stays.
    """
    counts = []
    for study in (one, two):
        frame = getattr(study, table)
        rows = [] if frame is None else frame.astype(str).itertuples(index=False, name=None)
        counts.append(Counter(rows))
    added, removed = counts[1] - counts[0], counts[0] - counts[1]
    return {
        "added": added.total(),
        "removed": removed.total(),
        "added_examples": [list(row) for row in list(added)[:EXAMPLES]],
        "removed_examples": [list(row) for row in list(removed)[:EXAMPLES]],
    }


def moved_beliefs(first: Posterior, second: Posterior) -> list[dict[str, Any]]:
    """Return how each side's belief at the origin changed, and by what.

    The change of the mean log-odds is split exactly: what the second run makes of the first one's
    last day (``reread``: parameters learnt, late rows, hindsight), and every cause of the periods
    since (`beliefs.evaluation.attribution`), as the second run sees them.

    Parameters
    ----------
    first, second
        Posteriors of one study, the earlier origin first.

    Returns
    -------
    list of dict
        By side: ``then`` and ``now`` (probability: mean, lower, upper of the central 90 %),
        ``change`` of the mean log-odds, and ``parts`` that sum to it, largest first.
    """
    if not (first.theory.beliefs and second.theory.beliefs):
        return []
    paths = [np.asarray(p.tree["posterior"]["logit_belief"].values) for p in (first, second)]
    flat = [path.reshape(-1, *path.shape[2:]).astype(float) for path in paths]
    n = int(first.inputs.active.sum())
    out = []
    every = list(causes(second))
    for i, side in enumerate(first.structure.sides):
        before, after = flat[0][:, i, -1], flat[1][:, i, -1]
        reread = flat[1][:, i, n - 1].mean() - before.mean()
        parts = [{"kind": "reread", "name": "the past, seen anew", "mean": float(reread)}]
        for cause in every:
            push = np.broadcast_to(cause.push, (len(flat[1]), flat[1].shape[-1]))[:, n:]
            size = float(push.sum(axis=-1).mean())
            if cause.side == i and size != 0.0:
                parts.append({"kind": cause.kind, "name": cause.name, "mean": size})
        parts.sort(key=lambda part: -abs(float(str(part["mean"]))))
        out.append(
            {
                "side": side,
                "then": _interval(before),
                "now": _interval(after),
                "change": float(after.mean() - before.mean()),
                "parts": parts,
            }
        )
    return out


def _interval(logit: np.ndarray[Any, Any]) -> dict[str, float]:
    p = logistic(np, logit)
    low, high = np.quantile(p, [0.05, 0.95])
    return {"mean": float(p.mean()), "lower": float(low), "upper": float(high)}


def _moved_targets(
    folders: tuple[Path, Path], posteriors: tuple[Posterior, Posterior]
) -> tuple[list[dict[str, Any]], str | None]:
    """Return how probabilities moved, or why nobody can say."""
    from beliefs.forecasting.compare import moved

    for folder, posterior in zip(folders, posteriors, strict=True):
        if not posterior.report.passed:
            return [], f"{folder} failed its gate: {'; '.join(posterior.report.failures)}"
    made = [forecast(p, seed=SEED, baselines=False) for p in posteriors]
    rows = moved(made[0], made[1])
    return rows, None if rows else f"no day foretold by {folders[0]} was still to come"
