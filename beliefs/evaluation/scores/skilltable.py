"""Tables of scores: skill of every theory against every baseline, reliability, and transforms.

In a table of skill ``observed`` counts windows in which the target came true (of a count, in which
it was above its median), ``events`` and ``misses`` how many separate times it did, and did not, and
``windows`` as many as would not overlap; other columns are those of `Skill`. Bands of reliability
are of outcomes drawn from the forecasts themselves (Bröcker and Smith 2007). Windows of
neighbouring origins share their outcome, so that those of one block are drawn with one uniform
number.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beliefs.evaluation.scores.scorecard import CLIMATOLOGY, MARKET, PERSISTENCE
from beliefs.evaluation.scores.skill import TAIL, block_origins, holm, interval, skill
from beliefs.features.steps import Floats

BASE = "M0"
HEADLINE = {"event": "log", "count": "crps"}  # the score that says who beats whom, by kind
_SCORES = {"event": ("log", "brier", "crps"), "count": ("crps", "twcrps")}
FEWEST_EVENTS = 3  # separate events, and times without, that a statement on skill needs
EDGES = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)
PIT_BINS = 5
DRAWS = 1000
STREAM, BAND_STREAM = 32452843, 49979687  # keep what is drawn here apart from other uses of seeds


def skill_table(scores: pd.DataFrame, frame: Any, every: int, *, seed: int) -> pd.DataFrame:
    """Return mean scores against baselines, origins `every` days apart."""
    rows = []
    days = frame.origins.astype("datetime64[s]")
    for (target, horizon, kind), part in scores.groupby(["target", "horizon", "kind"], sort=False):
        names = list(_SCORES[str(kind)])
        by = {
            name: mine.set_index("origin")[names].reindex(days)
            for name, mine in part.groupby("forecaster", sort=False)
        }
        overlap = block_origins(int(horizon), every)
        baselines = [name for name in (CLIMATOLOGY, PERSISTENCE, BASE, MARKET) if name in by]
        for name, against, score in product(frame.theories, baselines, names):
            if name not in by or name == against:
                continue
            words = f"{target} {horizon} {score} {against}"
            found = skill(
                by[name][score].to_numpy(float), by[against][score].to_numpy(float),
                overlap=overlap, seed=[seed, STREAM, crc32(words.encode())],
            )  # fmt: skip
            if found.n == 0:
                continue
            head = dict(target=target, horizon=int(horizon), kind=kind, forecaster=name)
            counts = _counts(part, name, against, score, every)
            rows.append(head | {"against": against, "score": score} | counts | vars(found))
    return pd.DataFrame(rows)


def _counts(part: pd.DataFrame, name: str, against: str, score: str, every: int) -> dict[str, Any]:
    """Count what was observed in the windows that both are scored on."""
    scored = part[part[score].notna()]
    both = scored.loc[scored["forecaster"] == against, "origin"]
    mine = scored[(scored["forecaster"] == name) & scored["origin"].isin(both)]
    windows = len(mine) * min(1.0, every / float(part["horizon"].iloc[0]))
    mine = mine.sort_values("origin")
    observed, spell = mine["observed"].to_numpy(float), mine["spell"].to_numpy()
    if part["kind"].iloc[0] == "count":
        observed = observed > (np.median(observed) if len(observed) else 0.0)
        events, misses = _runs(observed), _runs(~observed)
    else:
        observed = observed > 0.0
        events, misses = len(set(spell[spell > 0])), _runs(spell == 0)
        if (observed != (spell > 0)).any():  # the target is that nothing happens
            events, misses = misses, events
    counts = {"observed": observed.sum(), "events": events, "misses": misses, "windows": windows}
    return {name: float(n) for name, n in counts.items()}


def _runs(flags: NDArray[np.bool_]) -> int:
    return int((flags & ~np.concatenate([[False], flags[:-1]])).sum())


@dataclass(frozen=True)
class Standing:
    """Who beats a baseline on a target in a window, also allowing for all tried; or a doubt."""

    target: str
    horizon: int
    theories: tuple[str, ...]
    doubt: str | None


def standings(table: pd.DataFrame, against: str = CLIMATOLOGY) -> list[Standing]:
    """Return who beats a baseline, by a table of skill.

    Where something never happens, whoever says less of it wins, and where it happens once or twice,
    one lucky day decides; where it always happens, the other way round: no skill, whatever the
    interval. Without such a doubt p values are adjusted (Holm 1979), over theories, targets and
    windows together.
    """
    if not len(table):
        return []
    head = table["kind"].map(HEADLINE) == table["score"]
    groups = table[(table["against"] == against) & head].groupby(["target", "horizon"], sort=False)
    doubts = {key: _doubt(part) for key, part in groups}
    tests = [
        (key, name)
        for key, part in groups
        if doubts[key] is None
        for name in part[["forecaster", "p"]].dropna().itertuples(index=False, name=None)
    ]
    sure = holm([p for _, (_, p) in tests]) < TAIL
    won = [(key, str(name)) for (key, (name, _)), one in zip(tests, sure, strict=True) if one]
    return [
        Standing(str(key[0]), int(key[1]), tuple(n for of, n in won if of == key), doubt)
        for key, doubt in doubts.items()
    ]


def _doubt(part: pd.DataFrame) -> str | None:
    """Return why nobody can be said to win on a target in a window, None where one could."""
    count = part["kind"].iloc[0] == "count"
    for column, words, never in (
        ("events", "it was high" if count else "it happened", "it never happened"),
        ("misses", "it was low" if count else "it did not happen", "it always happened"),
    ):
        found = int(part[column].max())
        if found < FEWEST_EVENTS:
            rare = f"{words} " + ("once" if found == 1 else f"{found} separate times")
            return rare if found else "it never varied" if count else never
    return "too few windows" if part["p"].isna().all() else None


def reliability_table(scores: pd.DataFrame, every: int, *, seed: int) -> pd.DataFrame:
    """Return observed frequency by bins of p, with 90 % bands if calibrated."""
    rows: list[dict[str, Any]] = []
    events = scores[scores["kind"] == "event"]
    for (name, horizon), part in events.groupby(["forecaster", "horizon"], sort=False):
        p = part["p"].to_numpy(float)
        bins = np.clip(np.digitize(p, EDGES) - 1, 0, len(EDGES) - 2)
        drawn = _uniform(part, int(horizon), every, seed) < p
        for k in np.unique(bins):
            mine = bins == k
            rows.append({
                "forecaster": name, "horizon": int(horizon), "from": EDGES[k], "to": EDGES[k + 1],
                "n": int(mine.sum()), "mean_p": float(p[mine].mean()),
                "observed": float(part["observed"].to_numpy(float)[mine].mean()),
                **interval(drawn[:, mine].mean(axis=1)),
            })  # fmt: skip
    return pd.DataFrame(rows)


def pit_table(scores: pd.DataFrame, every: int, *, seed: int) -> pd.DataFrame:
    """Return histograms of the randomised transforms of times and counts, with such bands."""
    rows: list[dict[str, Any]] = []
    edges = np.linspace(0.0, 1.0, PIT_BINS + 1)
    keys = ["forecaster", "horizon", "target"]
    for (name, horizon, target), part in scores.dropna(subset=["pit"]).groupby(keys, sort=False):
        seen = _bins(part["pit"].to_numpy(float))
        drawn = _bins(_uniform(part, int(horizon), every, seed))
        for k in range(PIT_BINS):
            rows.append({
                "forecaster": name, "horizon": int(horizon), "target": target,
                "from": edges[k], "to": edges[k + 1], "n": len(part),
                "share": float((seen == k).mean()), **interval((drawn == k).mean(axis=1)),
            })  # fmt: skip
    return pd.DataFrame(rows)


def _bins(u: Floats) -> NDArray[np.int64]:
    return np.minimum((u * PIT_BINS).astype(np.int64), PIT_BINS - 1)


def _uniform(part: pd.DataFrame, horizon: int, every: int, seed: int) -> Floats:
    """Return uniform numbers, (draw, row), the same within a target and a block of origins."""
    block = block_origins(horizon, every)
    days = part["origin"].to_numpy("datetime64[D]").astype(np.int64)
    place = (days - days.min()) // every
    out = np.empty((DRAWS, len(part)))
    for target, mine in part.groupby("target", sort=False).indices.items():
        rng = np.random.default_rng([seed, BAND_STREAM, horizon, crc32(str(target).encode())])
        number = (place[mine] + rng.integers(0, block, size=(DRAWS, 1))) // block
        out[:, mine] = np.take_along_axis(rng.random((DRAWS, number.max() + 1)), number, axis=1)
    return out
