"""Scores of single forecasts, and the baselines that know no theory.

One row for each origin, window, target and forecaster. Columns: ``horizon`` (days), ``pit``; of a
target that happens or not (kind ``event``) ``p``, ``observed``, ``first`` (period in which it first
happened or was first broken, NaN without), ``log``, ``brier``, ``crps`` (days); of a count ``p``
its mean, ``observed`` what was counted, ``crps``, ``twcrps``, ``threshold``. ``spell`` is the
number of the event (`spells`) in which it first happened in the window, 0 without. A window is
scored where all its periods were watched: else successes would be, and silences not.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.frames import MISSING, Frame
from beliefs.evaluation.backtest.questions import Quantity, Question, spells
from beliefs.evaluation.scores import proper
from beliefs.features.inputs import Inputs
from beliefs.features.steps import Bools, Floats, Ints
from beliefs.forecasting.targets import LATENT
from beliefs.study.dates import later
from beliefs.study.tables.cells import Records
from beliefs.study.tables.rows import price_of

Row = dict[str, Any]
Samples = Iterator[tuple[str, NDArray[Any]]]  # by theory

CLIMATOLOGY, PERSISTENCE, MARKET = "climatology", "persistence", "market"
COLUMNS = (
    "origin", "horizon", "periods", "target", "kind", "forecaster", "p", "observed", "first",
    "spell", "log", "brier", "crps", "twcrps", "threshold", "pit",
)  # fmt: skip
HIGH = 0.9  # quantile of earlier windows above which a count is high
EXACT = 1e-6  # error of a probability that no draws stand behind
STREAM = 15487469  # keeps what is drawn here apart from other uses of the seed


def waits(question: Question, n: int) -> tuple[Ints, Bools, Ints]:
    """Return origins (N,) before n of a question, whether it happened, and periods until then."""
    later = np.arange(n)  # waits are censored by unobserved periods and the end of what is known

    def following(flags: Bools) -> Ints:
        place = np.where(flags, later, n)
        return np.minimum.accumulate(place[::-1])[::-1]

    blind = following(~question.seen[:n])
    hit = following(question.known(n) & question.seen[:n])
    observed = hit < blind
    time = np.where(observed, hit - later + 1, blind - later)
    at_risk = question.at_risk[:n] & (time > 0)
    return np.flatnonzero(at_risk), observed[at_risk], time[at_risk]


def kaplan_meier(time: ArrayLike, happened: ArrayLike, upto: int) -> Floats:
    """Return the share of waits not ended after 0 .. `upto` periods (Kaplan and Meier 1958)."""
    waits, ended = np.asarray(time, dtype=np.int64), np.asarray(happened, dtype=bool)
    counts = np.bincount(np.minimum(waits, upto + 1), minlength=upto + 2)
    # A wait censored at c had not ended after c periods, and was at risk in the last of them.
    risk = counts[::-1].cumsum()[::-1][1:-1].astype(float)
    ends = np.bincount(waits[ended & (waits <= upto)], minlength=upto + 1)[1:].astype(float)
    hazard = np.divide(ends, risk, out=np.zeros(upto), where=risk > 0)
    return np.concatenate([[1.0], np.cumprod(1.0 - hazard)])


def _incidence(observed: Bools, time: Ints, upto: int) -> Floats | None:
    """Return P(it has come after 0 .. `upto` periods); None with less than a window of waits."""
    if len(time) < upto:
        return None
    windows = len(time) / upto  # waits overlap
    learnt = 1.0 - kaplan_meier(time, observed, upto)
    # Half a window in which it happens, at a constant hazard, and half a one without (Jeffreys).
    unknown = 1.0 - 0.5 ** (np.arange(upto + 1) / upto)
    return np.asarray((windows * learnt + unknown) / (windows + 1.0))


def climatology(question: Question, n: int, upto: int) -> Floats | None:
    """Return P(it has come after 0 .. `upto` periods) as it took from every earlier day."""
    # Days on which something else had ended the matter count: a cumulative incidence.
    return _incidence(*waits(question, n)[1:], upto)


def persistence(question: Question, n: int, upto: int) -> Floats | None:
    """Return the same from those days alone whose last window, all watched, was like the last."""
    hits = np.concatenate([[0], np.cumsum(question.known(n))])
    seen = np.concatenate([[0], np.cumsum(question.seen[:n])])
    start = np.maximum(np.arange(n + 1) - upto, 0)
    before, known = hits > hits[start], seen - seen[start] == upto
    if not known[n]:
        return None
    origin, observed, time = waits(question, n)
    like = (before[origin] == before[n]) & known[origin]
    return _incidence(observed[like], time[like], upto)


def count_baselines(of: Quantity, n: int, periods: int) -> tuple[Floats | None, Floats | None]:
    """Return totals of earlier windows that were seen, `periods` at least, and of the last one."""
    if n < periods:
        return None, None
    windows = np.lib.stride_tricks.sliding_window_view
    whole = windows(of.seen[:n], periods).all(axis=1)
    totals = windows(of.known(n), periods).sum(axis=1)
    enough = whole.sum() >= periods
    return totals[whole] if enough else None, totals[-1:] if whole[-1] else None


def score_table(
    frame: Frame,
    inputs: Inputs,
    origins: NDArray[np.int64],
    events: Sequence[Question],
    counted: Sequence[Quantity],
    odds: Records,
    *,
    seed: int,
) -> pd.DataFrame:
    """Score all forecasts of a frame that can be checked; each row has its own random stream."""
    check_odds(odds, events)
    rows: list[Row] = []
    step = inputs.step_days
    for (o, n), (h, horizon) in product(enumerate(origins.tolist()), enumerate(frame.horizons)):
        origin, window = frame.origins[o], (n, horizon.periods, step)
        day = np.timedelta64(1, "D")
        last = later(origin + day, horizon.periods, step) - day
        found: list[Row] = []
        for k, question in enumerate(events):
            samples = zip(frame.theories, frame.when[:, o, k], strict=True)
            price = price_of(odds, question.name, origin, last, negated=question.negated)
            found += _event(question, *window, samples, price)
        for k, quantity in enumerate(counted):
            sums = zip(frame.theories, frame.total[:, o, h, k], strict=True)
            found += _count(quantity, frame.counts[k], *window, sums)
        head = {"origin": origin.astype("datetime64[s]"), "horizon": horizon.days}
        rows += [{**head, "periods": horizon.periods, **row} for row in found]
    for row in rows:  # one number for a window and a target: forecasters are compared on the same
        words = f"{row['origin']} {row['horizon']} {row['target']}"
        uniform = np.random.default_rng([seed, STREAM, crc32(words.encode())]).random()
        below, upto = row.get("pit", (np.nan, np.nan))
        row["pit"] = float(proper.pit(below, upto, uniform))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _event(
    question: Question, n: int, periods: int, step_days: float, samples: Samples,
    price: float | None,
) -> Iterator[Row]:  # fmt: skip
    """Yield the rows of a question from one origin."""
    first = question.first(n, periods) if question.at_risk[n] else None
    if first is None:
        return
    hit = first <= periods
    observed = hit != question.negated
    spell = int(spells(question.hit, step_days)[n + first - 1]) if hit else 0
    curves: list[tuple[str, Floats | None, int | None]] = [  # the last: how many draws it is of
        *(
            (name, (steps[:, None] <= np.arange(periods + 1)).mean(axis=0), len(steps))
            for name, steps in samples
            if steps[0] != MISSING
        ),
        (CLIMATOLOGY, climatology(question, n, periods), None),
        (PERSISTENCE, persistence(question, n, periods), None),
        (MARKET, None if price is None else np.array([price]), None),
    ]
    for name, curve, draws in curves:
        if curve is None:
            continue
        # Odds are of the target itself, curves of what comes.
        turned = question.negated and name != MARKET
        p = float(1.0 - curve[-1] if turned else curve[-1])
        warranted = p if draws is None else proper.smoothed(p, draws)
        row = {
            "target": question.name,
            "kind": "event",
            "forecaster": name,
            "p": p,
            "observed": float(observed),
            "first": float(first) if hit else np.nan,
            "spell": spell,
            "log": float(proper.log_score(warranted, observed, EXACT)),
            "brier": float(proper.brier(p, observed)),
        }
        if name != MARKET:
            # Where nothing happened, the time lies beyond the window: the rest of the mass.
            ends = (curve[first - 1], curve[first]) if hit else (curve[-1], 1.0)
            row |= {"crps": float(proper.time_score(curve, first, step_days)), "pit": ends}
        yield row


def _count(
    quantity: Quantity, name: str, n: int, periods: int, step_days: float, sums: Samples
) -> Iterator[Row]:
    """Yield the rows of a count from one origin."""
    observed = quantity.total(n, periods)
    if observed is None:
        return
    some = quantity.value > 0
    hits = np.flatnonzero(some[n : n + periods])
    spell = int(spells(some, step_days)[n + hits[0]]) if len(hits) else 0
    earlier, latest = count_baselines(quantity, n, periods)
    threshold = np.nan if earlier is None else max(float(np.quantile(earlier, HIGH)), 1.0)
    forecasts = [
        *((theory, values.astype(float)) for theory, values in sums if values[0] != MISSING),
        (CLIMATOLOGY, earlier),
        (PERSISTENCE, latest),
    ]
    for forecaster, samples in forecasts:
        if samples is None:
            continue
        whole, above = proper.count_scores(samples, observed, 0.0 if earlier is None else threshold)
        yield {
            "target": name,
            "kind": "count",
            "forecaster": forecaster,
            "p": float(samples.mean()),
            "observed": observed,
            "spell": spell,
            "crps": whole,
            "twcrps": np.nan if earlier is None else above,
            "threshold": threshold,
            "pit": ((samples < observed).mean(), (samples <= observed).mean()),
        }


def check_odds(odds: Records, events: Sequence[Question]) -> None:
    """Raise StudyError for odds of a target that is latent, or that the study has no labels for."""
    known = [question.name for question in events]
    if found := sorted({*odds["target"]} - {*known}):
        latent = set(found) & {*LATENT}
        why = "latent target, which nobody can look up"
        raise StudyError(
            f"odds are given of a {why if latent else 'target that this study cannot show'}",
            where="odds.csv target", found=", ".join(found), expected="one of " + ", ".join(known),
            fix="correct the target, or leave these rows out",
        )  # fmt: skip
