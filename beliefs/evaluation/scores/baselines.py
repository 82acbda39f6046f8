"""Baselines that know no theory: how often things came before the origin, in this study alone.

*Climatology* asks how long it took from every earlier day on which the question could be asked.
*Persistence* asks the same of those earlier days alone that were like the day of the origin: the
thing had come in the window before, or it had not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beliefs.evaluation.backtest.questions import Quantity, Question

__all__ = [
    "climatology",
    "count_climatology",
    "count_persistence",
    "kaplan_meier",
    "persistence",
    "waits",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HALF = 0.5  # of a window of either outcome, put before those of the study


def waits(question: Question, n: int) -> tuple[NDArray[np.int64], Bools, NDArray[np.int64]]:
    """Return how long it took from the earlier origins of a question, as far as is known after n.

    Returns
    -------
    origin
        Periods before which the question could be asked, (N,).
    came
        Whether it came, or the wait was censored: by the end of what is known, or by a period that
        nobody watched.
    time
        Periods until then, at least 1.
    """
    later = np.arange(n)

    def following(flags: Bools) -> NDArray[np.int64]:
        place = np.where(flags, later, n)
        return np.minimum.accumulate(place[::-1])[::-1]

    blind = following(~question.seen[:n])
    hit = following(question.known(n) & question.seen[:n])
    came = hit < blind
    time = np.where(came, hit - later + 1, blind - later)
    asked = question.asked[:n] & (time > 0)
    return np.flatnonzero(asked), came[asked], time[asked]


def kaplan_meier(time: ArrayLike, happened: ArrayLike, upto: int) -> Floats:
    """Return the share of waits not ended after 0 .. `upto` periods (Kaplan and Meier 1958).

    Parameters
    ----------
    time
        Periods until the end or until censored, whole numbers from 1 on, (N,). A wait censored at
        c had not ended after c periods, and was at risk in the last of them.
    happened
        Whether the wait ended, (N,).
    upto
        Number of periods.

    Returns
    -------
    ndarray
        (upto + 1,), 1 first. After the longest wait it stays where it is.
    """
    waits, ended = np.asarray(time, dtype=np.int64), np.asarray(happened, dtype=bool)
    counts = np.bincount(np.minimum(waits, upto + 1), minlength=upto + 2)
    risk = counts[::-1].cumsum()[::-1][1:-1].astype(float)
    ends = np.bincount(waits[ended & (waits <= upto)], minlength=upto + 1)[1:].astype(float)
    hazard = np.divide(ends, risk, out=np.zeros(upto), where=risk > 0)
    return np.concatenate([[1.0], np.cumprod(1.0 - hazard)])


def _incidence(came: Bools, time: NDArray[np.int64], upto: int) -> Floats | None:
    """Return P(it has come after 0 .. `upto` periods); None with less than a window to learn from.

    Waits overlap: N of them count as N / `upto` windows. Half a window in which it came, at a
    constant hazard, and half a one in which it did not are put before them (Jeffreys).
    """
    if len(time) < upto:
        return None
    windows = len(time) / upto
    learnt = 1.0 - kaplan_meier(time, came, upto)
    unknown = 1.0 - 0.5 ** (np.arange(upto + 1) / upto)  # one half after the whole window
    out: Floats = (windows * learnt + 2.0 * HALF * unknown) / (windows + 2.0 * HALF)
    return out


def climatology(question: Question, n: int, upto: int) -> Floats | None:
    """Return the probability that it has come after 0 .. `upto` periods, known after n periods.

    Parameters
    ----------
    question
        What came when; nothing after the first n periods, or published after them, is read.
    n, upto
        Periods that are known, and periods ahead.

    Returns
    -------
    ndarray or None
        (upto + 1,); None where the question could be asked of fewer than `upto` earlier periods.

    Notes
    -----
    From days on which something else had ended the matter it never came, and they count as such:
    this is its cumulative incidence among competing ends.
    """
    _, came, time = waits(question, n)
    return _incidence(came, time, upto)


def persistence(question: Question, n: int, upto: int) -> Floats | None:
    """Return the same from those earlier origins alone whose last window was like the present one.

    None where these are fewer than `upto`, or the last window is not known: what came in a window
    that was not watched whole is not known either.
    """
    if n < upto:
        return None
    origin, came, time = waits(question, n)
    hits = np.concatenate([[0], np.cumsum(question.known(n))])
    seen = np.concatenate([[0], np.cumsum(question.seen[:n])])
    start = np.maximum(np.arange(n + 1) - upto, 0)
    before = hits > hits[start]  # it came in the last window
    known = seen - seen[start] == upto
    if not known[n]:
        return None
    like = (before[origin] == before[n]) & known[origin]
    return _incidence(came[like], time[like], upto)


def _windows(quantity: Quantity, n: int, periods: int) -> Floats:
    """Return the totals of all whole windows of the first n periods that were seen."""
    if n < periods:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(quantity.known(n))])
    seen = np.concatenate([[0], np.cumsum(quantity.seen[:n])])
    whole = seen[periods:] - seen[:-periods] == periods
    return (total[periods:] - total[:-periods])[whole]


def count_climatology(quantity: Quantity, n: int, periods: int) -> Floats | None:
    """Return the totals of all earlier windows, (window,), None with fewer than `periods`."""
    found = _windows(quantity, n, periods)
    return found if len(found) >= periods else None


def count_persistence(quantity: Quantity, n: int, periods: int) -> Floats | None:
    """Return the total of the last window, (1,); None where it was not seen."""
    if n < periods or not quantity.seen[n - periods : n].all():
        return None
    return np.asarray([quantity.known(n)[n - periods :].sum()])
