"""The table of skill: every theory on every target and window, against every baseline.

Columns: ``target``, ``horizon``, ``forecaster``, ``against``, ``score`` (its name), those of
`beliefs.evaluation.scores.skill.Skill`, ``came`` (windows in which the target came true; of a
count, in
which it was above its median), ``events`` (how many separate times it did), ``misses`` (how many
separate times it did not) and ``windows`` (as many as would not overlap). What comes or not did so
as often as there are different events (`beliefs.evaluation.backtest.questions.spells`), and stayed
away as
often as there are runs of windows without one; of a count both are runs of windows. ``no_crossing``
comes true where the crossing stays away. Rows against a theory are those against the base rate, M0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.scores.scorecard import CLIMATOLOGY, MARKET, PERSISTENCE
from beliefs.evaluation.scores.skill import TAIL, block_origins, holm, skill

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BASE",
    "FEWEST_EVENTS",
    "HEADLINE",
    "Standing",
    "skill_table",
    "standings",
]

BASE = "M0"
HEADLINE = {"event": "log", "count": "crps"}
"""The score that says who beats whom, by kind."""
_SCORES = {"event": ("log", "brier", "crps"), "count": ("crps", "twcrps")}
FEWEST_EVENTS = 3
"""Separate events, and separate times without one, that a statement on skill needs."""
STREAM = 32452843  # keeps what is drawn here apart from other uses of the seed


def skill_table(scores: pd.DataFrame, frame: Any, every: int, *, seed: int) -> pd.DataFrame:
    """Return mean scores against baselines.

    Parameters
    ----------
    scores
        From `beliefs.evaluation.scores.scorecard.score_table`.
    frame
        What was scored: its `theories` and `origins`.
    every
        Days from origin to origin.
    seed
        Seed of the resamples.
    """
    import pandas as pd

    rows = []
    days = frame.origins.astype("datetime64[s]")
    for (target, horizon, kind), part in scores.groupby(["target", "horizon", "kind"], sort=False):
        by = {
            name: mine.set_index("origin")[[*_SCORES[str(kind)]]].reindex(days)
            for name, mine in part.groupby("forecaster", sort=False)
        }
        overlap = block_origins(int(horizon), every)
        for name, against, score in _pairs(by, frame.theories, str(kind)):
            words = f"{target} {horizon} {score} {against}"
            found = skill(
                by[name][score].to_numpy(float), by[against][score].to_numpy(float),
                overlap=overlap, seed=[seed, STREAM, crc32(words.encode())],
            )  # fmt: skip
            if found.n == 0:
                continue
            head = dict(target=target, horizon=int(horizon), kind=kind, forecaster=name)
            numbers = asdict(found)
            mean = numbers.pop("score")
            counts = _counts(part, name, against, score, every)
            rows.append(head | {"against": against, "score": score} | counts
                        | {"n": numbers.pop("n"), "mean": mean} | numbers)  # fmt: skip
    return pd.DataFrame(rows)


def _pairs(
    by: dict[str, Any], theories: Sequence[str], kind: str
) -> Iterator[tuple[str, str, str]]:
    baselines = [name for name in (CLIMATOLOGY, PERSISTENCE, BASE, MARKET) if name in by]
    for name, against in product(theories, baselines):
        if name in by and name != against:
            yield from ((name, against, score) for score in _SCORES[kind])


def _counts(part: pd.DataFrame, name: str, against: str, score: str, every: int) -> dict[str, Any]:
    """Count what came in the windows that both are scored on."""
    scored = part[part[score].notna()]
    both = scored.loc[scored["forecaster"] == against, "origin"]
    mine = scored[(scored["forecaster"] == name) & scored["origin"].isin(both)]
    windows = len(mine) * min(1.0, every / float(part["horizon"].iloc[0]))
    mine = mine.sort_values("origin")
    came, spell = mine["came"].to_numpy(float), mine["spell"].to_numpy()
    if part["kind"].iloc[0] == "count":
        came = came > np.median(came) if len(came) else came > 0.0
        events, misses = _runs(came), _runs(~came)
    else:
        came = came > 0.0
        events, misses = len(set(spell[spell > 0])), _runs(spell == 0)
        if (came != (spell > 0)).any():  # the target is that nothing happens
            events, misses = misses, events
    return {"came": float(came.sum()), "events": float(events), "misses": float(misses),
            "windows": windows}  # fmt: skip


def _runs(flags: NDArray[np.bool_]) -> int:
    return int((flags & ~np.concatenate([[False], flags[:-1]])).sum())


@dataclass(frozen=True)
class Standing:
    """Who beats a baseline on a target in a window.

    Attributes
    ----------
    target, horizon
        What, and days ahead.
    theories
        Ids of those that forecast better by the headline score of the kind, also when it is allowed
        for how many were tried.
    doubt
        Why none can be said to, whatever the scores; None where one could.
    """

    target: str
    horizon: int
    theories: tuple[str, ...]
    doubt: str | None


def standings(table: pd.DataFrame, against: str = CLIMATOLOGY) -> list[Standing]:
    """Return who beats a baseline.

    Parameters
    ----------
    table
        From `skill_table`.
    against
        The baseline.

    Notes
    -----
    Where something never came, whoever says less of it wins, and where it came once or twice, one
    lucky day decides; where it always came, the other way round. Neither is skill, whatever the
    interval.

    Of theories, targets and windows without such a doubt each gives a test, and some would win by
    chance: p values are adjusted by Holm (1979), over all of them together, and compared with the
    5 % that lie above a 90 % interval.
    """
    if not len(table):
        return []
    head = table["kind"].map(HEADLINE) == table["score"]
    mine = table[(table["against"] == against) & head]
    parts = {
        (str(target), int(horizon)): part
        for (target, horizon), part in mine.groupby(["target", "horizon"], sort=False)
    }
    doubts = {key: _doubt(part) for key, part in parts.items()}
    tests = [
        (key, str(row["forecaster"]), float(row["p"]))
        for key, part in parts.items()
        if doubts[key] is None
        for row in part[part["p"].notna()].to_dict("records")
    ]
    sure = holm([p for *_, p in tests]) < TAIL
    won = {(key, name) for (key, name, _), one in zip(tests, sure, strict=True) if one}
    return [
        Standing(*key, tuple(str(f) for f in part["forecaster"] if (key, str(f)) in won), doubt)
        for (key, part), doubt in zip(parts.items(), doubts.values(), strict=True)
    ]


def _doubt(part: pd.DataFrame) -> str | None:
    """Return why nobody can be said to win on a target in a window, None where one could."""
    count = part["kind"].iloc[0] == "count"
    for column, words, never in (
        ("events", "it was high" if count else "it came", "it never came"),
        ("misses", "it was low" if count else "it stayed away", "it always came"),
    ):
        found = int(part[column].max())
        if found < FEWEST_EVENTS:
            rare = f"{words} " + ("once" if found == 1 else f"{found} separate times")
            return rare if found else "it never varied" if count else never
    return "too few windows" if part["p"].isna().all() else None
