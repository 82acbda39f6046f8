"""How far the posterior of a track lies from that of another sampler."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import arviz as az
import numpy as np
from scipy.special import expit

from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.smc.track import Track

DRAWS = 8000


@dataclass(frozen=True)
class Agreement:
    """Differences of one study and theory.

    Means differ by `mean` posterior standard deviations with a Monte-Carlo standard `error`, of the
    effective draws of the fit and of particles taken as independent; standard deviations have the
    ratio `spread`. `belief` is by side and `target` by target, side and date.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    error: np.ndarray
    spread: np.ndarray
    belief: np.ndarray
    target: dict[tuple[Any, ...], float]


def agreement(track: Track, fitted: Any, horizon: int) -> Agreement:
    """Hold the last posterior of a track against one of `fit` on the same study."""
    found = track.at(track.ends[-1], draws=DRAWS)
    labels, mean, error, spread = [], [], [], []
    particles = track.ess[-1]
    for name, ours in found.tree["posterior"].data_vars.items():
        if name not in fitted.tree["posterior"] or "time" in ours.dims or name == "logit_belief":
            continue
        theirs = fitted.tree["posterior"][name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ess = az.ess(theirs)
        a, b = (v.values.reshape(-1, int(np.prod(v.shape[2:]))) for v in (ours, theirs))
        size = np.asarray(ess[name] if hasattr(ess, "data_vars") else ess, dtype=float).ravel()
        for k in range(a.shape[1]):
            sd = b[:, k].std()
            if sd == 0.0:
                continue
            labels.append(f"{name}[{k}]")
            mean.append((a[:, k].mean() - b[:, k].mean()) / sd)
            error.append(np.sqrt(1.0 / size[k] + 1.0 / particles))
            spread.append(a[:, k].std() / sd)
    belief = np.zeros(2)
    if track.theory.beliefs:
        ends = [
            expit(p.tree["posterior"]["logit_belief"].values[..., -1]).mean(axis=(0, 1))
            for p in (found, fitted)
        ]
        belief = ends[0] - ends[1]
    said = [
        {
            (t["target"], t["side"], t["by"]): t["p"]
            for t in summarise(forecast(p, horizon, seed=1, allow_failed=True))["targets"]
        }
        for p in (found, fitted)
    ]
    target = {k: said[0][k] - said[1][k] for k in said[0] if said[0][k] is not None}
    return Agreement(
        tuple(labels), np.asarray(mean), np.asarray(error), np.asarray(spread), belief, target
    )
