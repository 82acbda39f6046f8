"""The table of skill: every theory on every target and window, against every yardstick.

Columns: ``target``, ``horizon``, ``forecaster``, ``against``, ``score`` (its name), those of
`beliefs.evaluate.skill.Skill`, ``came`` (windows in which the target came, or anything was
counted), ``events`` (different runs of periods in which it did) and ``windows`` (as many as would
not overlap). Rows against a theory are those against the base rate, M0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluate.scorecard import CLIMATOLOGY, MARKET, PERSISTENCE
from beliefs.evaluate.skill import block_origins, skill

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BASE",
    "FEWEST_EVENTS",
    "HEADLINE",
    "Foretold",
    "Standing",
    "skill_table",
    "standings",
]

BASE = "M0"
HEADLINE = {"event": "log", "count": "crps"}
"""The score that says who beats whom, by kind."""
_SCORES = {"event": ("log", "brier", "crps"), "count": ("crps", "twcrps")}
FEWEST_EVENTS = 3
"""Different events that a statement on skill needs."""
STREAM = 32452843  # keeps what is drawn here apart from other uses of the seed


class Foretold(Protocol):
    """What the table asks of a `beliefs.evaluate.frames.Frame`."""

    @property
    def theories(self) -> tuple[str, ...]:
        """Ids, in order."""

    @property
    def origins(self) -> NDArray[np.datetime64]:
        """Last day known at each origin."""


def skill_table(scores: pd.DataFrame, frame: Foretold, every: int, *, seed: int) -> pd.DataFrame:
    """Return mean scores against yardsticks.

    Parameters
    ----------
    scores
        From `beliefs.evaluate.scorecard.score_table`.
    frame
        What was scored.
    every
        Days from origin to origin.
    seed
        Seed of the resamples.
    """
    import pandas as pd

    rows = []
    place = {day: k for k, day in enumerate(frame.origins.astype("datetime64[ns]"))}
    for (target, horizon, kind), part in scores.groupby(["target", "horizon", "kind"], sort=False):
        days = part["origin"].to_numpy("datetime64[ns]")
        where = np.asarray([place[day] for day in days], dtype=np.int64)
        by = {
            name: {
                score: _spread(part, where, mine, score, len(place)) for score in _SCORES[str(kind)]
            }
            for name in part["forecaster"].unique()
            for mine in [np.asarray(part["forecaster"] == name)]
        }
        block = block_origins(int(horizon), every)
        for name, against, score in _pairs(by, frame.theories, str(kind)):
            words = f"{target} {horizon} {score} {against}"
            found = skill(
                by[name][score], by[against][score], block=block,
                seed=[seed, STREAM, crc32(words.encode())],
            )  # fmt: skip
            if found.n == 0:
                continue
            rows.append(
                {
                    "target": target,
                    "horizon": int(horizon),
                    "kind": kind,
                    "forecaster": name,
                    "against": against,
                    "score": score,
                }
                | _counts(part, name, against, score, every)
                | _renamed(asdict(found))
            )
    return pd.DataFrame(rows)


def _renamed(found: dict[str, Any]) -> dict[str, Any]:
    return {("mean" if k == "score" else k): v for k, v in found.items()}


def _spread(
    part: pd.DataFrame, where: NDArray[np.int64], mine: NDArray[np.bool_], score: str, n: int
) -> NDArray[np.float64]:
    out = np.full(n, np.nan)
    out[where[mine]] = part[score].to_numpy(float)[mine]
    return out


def _pairs(
    by: dict[str, Any], theories: Sequence[str], kind: str
) -> Iterator[tuple[str, str, str]]:
    yardsticks = [y for y in (CLIMATOLOGY, PERSISTENCE, BASE, MARKET) if y in by]
    for name in theories:
        for against in yardsticks:
            if name in by and name != against:
                for score in _SCORES[kind]:
                    yield name, against, score


def _counts(part: pd.DataFrame, name: str, against: str, score: str, every: int) -> dict[str, Any]:
    """Count what came in the windows that both are scored on."""
    scored = part[part[score].notna()]
    both = scored.loc[scored["forecaster"] == against, "origin"]
    mine = scored[(scored["forecaster"] == name) & scored["origin"].isin(both)]
    windows = len(mine) * min(1.0, every / float(part["horizon"].iloc[0]))
    spell = mine["spell"].to_numpy()
    return {
        "came": float((mine["came"] > 0).sum()),
        "events": float(len(set(spell[spell > 0]))),
        "windows": windows,
    }


@dataclass(frozen=True)
class Standing:
    """Who beats a yardstick on a target in a window.

    Attributes
    ----------
    target, horizon
        What, and days ahead.
    theories
        Ids of those whose interval lies above 0, by the headline score of the kind.
    doubt
        Why none can be said to, whatever the scores; None where one could.
    """

    target: str
    horizon: int
    theories: tuple[str, ...]
    doubt: str | None


def standings(table: pd.DataFrame, against: str = CLIMATOLOGY) -> list[Standing]:
    """Return who beats a yardstick.

    Parameters
    ----------
    table
        From `skill_table`.
    against
        The yardstick.

    Notes
    -----
    Where something never came, whoever says less of it wins, and where it came once or twice, one
    lucky day decides. Neither is skill, whatever the interval.
    """
    if not len(table):
        return []
    head = table["kind"].map(HEADLINE) == table["score"]
    mine = table[(table["against"] == against) & head]
    out = []
    for (target, horizon), part in mine.groupby(["target", "horizon"], sort=False):
        events = part["events"].max()
        doubt = None
        if events < FEWEST_EVENTS:
            doubt = f"it came {int(events)} times" if events else "it never came"
        elif part["low"].isna().all():
            doubt = "too few windows"
        better = () if doubt else tuple(part.loc[part["low"] > 0.0, "forecaster"].astype(str))
        out.append(Standing(str(target), int(horizon), better, doubt))
    return out
