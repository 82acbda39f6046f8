"""Scores of single forecasts: one row for each origin, window, target and forecaster.

Columns: ``origin``, ``horizon`` (days), ``periods``, ``target``, ``kind``, ``forecaster`` (id of a
theory, ``climatology``, ``persistence`` or ``market``) and ``pit``. Of a target that comes or not
(kind ``event``): ``p``, ``came``, ``first`` (period in which it first came or was first broken,
NaN without), ``log``, ``brier`` and ``crps`` (days). Of a count (kind ``count``): ``p`` its mean,
``came`` what was counted, ``crps``, ``twcrps`` and its ``threshold``. ``spell`` is the number of
the event, a run of periods without a quiet week, in which it first came, or anything was first
counted, in the window; 0 without.

A window is scored where all its periods were watched, success or not: were successes taken and
silences not, only successes would be scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.frames import UNSAID, Frame
from beliefs.evaluation.backtest.origins import Horizon
from beliefs.evaluation.backtest.questions import Quantity, Question, spells
from beliefs.evaluation.scores import baselines
from beliefs.evaluation.scores.proper import (
    brier,
    count_scores,
    log_score,
    pit,
    smoothed,
    time_score,
)
from beliefs.features.inputs import Inputs
from beliefs.forecasting.targets import LATENT
from beliefs.study.tables.odds import NAME, Odds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CLIMATOLOGY", "COLUMNS", "HIGH", "MARKET", "PERSISTENCE", "check_odds", "score_table"]

Floats = NDArray[np.float64]
Row = dict[str, Any]

CLIMATOLOGY, PERSISTENCE, MARKET = "climatology", "persistence", "market"
COLUMNS = (
    "origin", "horizon", "periods", "target", "kind", "forecaster", "p", "came", "first", "spell",
    "log", "brier", "crps", "twcrps", "threshold", "pit",
)  # fmt: skip
HIGH = 0.9
"""Quantile of earlier windows above which a count is high."""
EXACT = 1e-6  # error of a probability that no draws stand behind
STREAM = 15487469  # keeps what is drawn here apart from other uses of the seed


def score_table(
    frame: Frame,
    inputs: Inputs,
    origins: NDArray[np.int64],
    horizons: Sequence[Horizon],
    asked: Sequence[Question],
    counted: Sequence[Quantity],
    odds: Odds,
    *,
    seed: int,
) -> pd.DataFrame:
    """Score all forecasts of a frame that can be checked.

    Parameters
    ----------
    frame, inputs
        What was forecast, and the inputs of the whole study, for its dates.
    origins, horizons, asked, counted
        Of the frame, in its order.
    odds
        Hand-set odds, see `check_odds`.
    seed
        Seed of the randomised transforms. Each row has its own, whatever other rows there are.
    """
    import pandas as pd

    check_odds(odds, asked)
    rows: list[Row] = []
    step = inputs.step_days
    for o, n in enumerate(origins):
        for h, horizon in enumerate(horizons):
            last = frame.origins[o] + np.timedelta64(horizon.periods * step, "D")
            head = {
                "origin": frame.origins[o].astype("datetime64[s]"),
                "horizon": horizon.days,
                "periods": horizon.periods,
            }
            for k, question in enumerate(asked):
                told = frame.when[:, o, k]
                price = odds.of(question.name, frame.origins[o], last, negated=question.negated)
                for row in _event(question, int(n), horizon.periods, told, frame, inputs, price):
                    rows.append(head | row)
            for k, quantity in enumerate(counted):
                sums = frame.total[:, o, h, k]
                name = frame.counts[k]
                for row in _count(quantity, name, int(n), horizon.periods, sums, frame, step):
                    rows.append(head | row)
    for row in rows:
        row["pit"] = _randomised(row, seed)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _event(
    question: Question,
    n: int,
    periods: int,
    told: NDArray[Any],
    frame: Frame,
    inputs: Inputs,
    price: float | None,
) -> Iterator[Row]:
    """Yield the rows of a question from one origin."""
    first = question.first(n, periods) if question.asked[n] else None
    if first is None:
        return
    hit = first <= periods
    came = hit != question.negated
    spell = int(spells(question.hit, inputs.step_days)[n + first - 1]) if hit else 0
    curves: list[tuple[str, Floats | None, int | None]] = []  # the last: how many draws it is of
    for name, steps in zip(frame.theories, told, strict=True):
        if steps[0] != UNSAID:
            cdf = (steps[:, None] <= np.arange(periods + 1)).mean(axis=0)
            curves.append((name, cdf, len(steps)))
    curves += [
        (CLIMATOLOGY, baselines.climatology(question, n, periods), None),
        (PERSISTENCE, baselines.persistence(question, n, periods), None),
    ]
    for name, curve, draws in curves:
        if curve is None:
            continue
        p = float(1.0 - curve[-1] if question.negated else curve[-1])
        # Where nothing came, the time is known to lie beyond the window: the rest of the mass.
        below = float(curve[first - 1] if hit else curve[-1])
        upto = float(curve[first] if hit else 1.0)
        yield _row(question.name, name, p, came, draws) | {
            "first": float(first) if hit else np.nan,
            "spell": spell,
            "crps": float(time_score(curve, first, inputs.step_days)),
            "pit": (below, upto),
        }
    if price is not None:
        yield _row(question.name, MARKET, price, came, None) | {
            "first": float(first) if hit else np.nan,
            "spell": spell,
        }


def _row(target: str, name: str, p: float, came: bool, draws: int | None) -> Row:
    told = p if draws is None else float(smoothed(p, draws))
    return {
        "target": target,
        "kind": "event",
        "forecaster": name,
        "p": p,
        "came": float(came),
        "log": float(log_score(told, came, EXACT)),
        "brier": float(brier(p, came)),
    }


def _count(
    quantity: Quantity,
    name: str,
    n: int,
    periods: int,
    sums: NDArray[Any],
    frame: Frame,
    step_days: int,
) -> Iterator[Row]:
    """Yield the rows of a count from one origin."""
    observed = quantity.total(n, periods)
    if observed is None:
        return
    any_ = quantity.value > 0
    hits = np.flatnonzero(any_[n : n + periods])
    spell = int(spells(any_, step_days)[n + hits[0]]) if len(hits) else 0
    earlier = baselines.count_climatology(quantity, n, periods)
    threshold = np.nan if earlier is None else max(float(np.quantile(earlier, HIGH)), 1.0)
    told: list[tuple[str, Floats | None]] = [
        (theory, None if values[0] == UNSAID else values.astype(float))
        for theory, values in zip(frame.theories, sums, strict=True)
    ]
    told += [
        (CLIMATOLOGY, earlier),
        (PERSISTENCE, baselines.count_persistence(quantity, n, periods)),
    ]
    for forecaster, samples in told:
        if samples is None:
            continue
        whole, above = count_scores(samples, observed, 0.0 if earlier is None else threshold)
        yield {
            "target": name,
            "kind": "count",
            "forecaster": forecaster,
            "p": float(samples.mean()),
            "came": observed,
            "spell": spell,
            "crps": whole,
            "twcrps": np.nan if earlier is None else above,
            "threshold": threshold,
            "pit": (float((samples < observed).mean()), float((samples <= observed).mean())),
        }


def _randomised(row: Row, seed: int) -> float:
    if "pit" not in row:
        return float("nan")
    # One number for a window and a target: forecasters are compared on the same one.
    words = f"{row['origin']} {row['horizon']} {row['target']}"
    uniform = np.random.default_rng([seed, STREAM, crc32(words.encode())]).random()
    below, upto = row["pit"]
    return float(pit(below, upto, uniform))


def check_odds(odds: Odds, asked: Sequence[Question]) -> None:
    """Raise StudyError for odds of a target that is latent, or that the study has no labels for."""
    known = [question.name for question in asked]
    found = sorted({*odds.target} - {*known})
    if found:
        latent = set(found) & {*LATENT}
        raise StudyError(
            "odds are given of a latent target, which nobody can look up"
            if latent
            else "odds are given of a target that this study cannot show",
            where=f"{NAME} target",
            found=", ".join(found),
            expected="one of " + ", ".join(known),
            mend="correct the target, or leave these rows out",
        )
