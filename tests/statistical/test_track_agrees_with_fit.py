"""Every bundled study passes its convergence check, and its track ends where NUTS does."""

from __future__ import annotations

import warnings
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from beliefs import Track, fit, forecast, load_study, load_theory, summarise, track

pytestmark = [pytest.mark.statistical, pytest.mark.slow]
STUDIES = ["us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel"]
HORIZON = {"us-civil-war": 26}  # periods; 90 days otherwise
PARTICLES = {"us-iran-2012": 1200}  # 2000 otherwise
DRAWS = 8000


def agreement(track: Track, fitted: Any, horizon: int) -> tuple[pd.DataFrame, np.ndarray, dict]:
    """Hold the last posterior of a track against one of `fit` on the same study.

    Returns, by element of a parameter, the difference of means in posterior standard deviations,
    its Monte-Carlo standard error in the same unit (the fit's from its effective draws, the track's
    were its effective particles independent) and the ratio of standard deviations; then differences
    of the mean probability of winning at the end, by side; and of forecast probabilities with their
    standard errors, by target, side and date.
    """
    found = track.at(track.ends[-1], draws=DRAWS)
    rows = []
    for name, ours in found.tree["posterior"].data_vars.items():
        if name not in fitted.tree["posterior"] or "time" in ours.dims or name == "logit_belief":
            continue
        theirs = fitted.tree["posterior"][name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ess = az.ess(theirs)
        a, b = (v.values.reshape(-1, int(np.prod(v.shape[2:]))) for v in (ours, theirs))
        size = np.asarray(ess[name] if hasattr(ess, "data_vars") else ess, dtype=float).ravel()
        for k in np.flatnonzero(b.std(axis=0) > 0.0):
            sd, error = b[:, k].std(), np.sqrt(1.0 / size[k] + 1.0 / track.ess[-1])
            miss = (a[:, k].mean() - b[:, k].mean()) / sd
            rows.append((f"{name}[{k}]", miss, error, a[:, k].std() / sd))
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
            if t["p"] is not None
        }
        for p in (found, fitted)
    ]
    n = 1.0 / track.ess[-1] + 1.0 / fitted.report.ess
    error = {k: np.sqrt(max(p * (1.0 - p), 0.01) * n) for k, p in said[0].items()}
    target = {k: (said[0][k] - said[1][k], error[k]) for k in error}
    return pd.DataFrame(rows, columns=["element", "mean", "error", "spread"]), belief, target


@pytest.mark.parametrize("theory", ["mutual_optimism", "base_rate"])
@pytest.mark.parametrize("name", STUDIES)
def test_a_fit_with_the_settings_of_the_package_converges_and_a_track_ends_there(name, theory):
    study, chosen = load_study(name), load_theory(theory)
    fitted = fit(study, chosen, seed=1)
    found = fitted.report
    assert found.passed and found.r_hat <= 1.01 and found.ess >= 400, found.failures
    followed = track(study, chosen, particles=PARTICLES.get(name, 2000), seed=1)
    elements, belief, target = agreement(followed, fitted, HORIZON.get(name, 90))
    assert len(elements)
    over = elements[elements["mean"].abs() > 0.15 + 2.0 * elements["error"]]
    assert over.empty, over
    beyond = elements[~elements["spread"].between(0.85, 1.15)]
    assert beyond.empty, beyond
    assert abs(belief).max() < 0.02, belief
    # Of some forty probabilities the largest difference is up to three standard errors by chance.
    assert all(abs(gap) < 0.01 + 3.0 * error for gap, error in target.values()), target
