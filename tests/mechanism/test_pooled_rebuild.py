"""The shipped posterior against a refit, exact leaving-out, and conflicts of known hazards."""

from dataclasses import replace

import numpy as np
import pytest
from pooling import fit_pooled
from spells import crisis_spells, talk_spells

from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.pooled import AGE_BINS, CLASSES, load_pooled

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

SMALL = Sampling(draws=800, tune=800, chains=2, cores=2, target_accept=0.95)


def flat(fit, name):
    values = np.asarray(fit.tree["posterior"][name])
    return values.reshape(-1, *values.shape[2:])


@pytest.mark.parametrize("name", CLASSES)
def test_a_refit_with_another_seed_agrees_with_what_is_shipped(name):
    spells = talk_spells() if name == "talks" else crisis_spells(name)
    again, shipped = fit_pooled(spells, seed=77, sampling=SMALL), load_pooled(name)
    assert again.convergence.divergent_share < 0.005 and again.convergence.r_hat < 1.03
    for column in ("age", "effect", "frailty"):
        new, old = flat(again, column), getattr(shipped, column)
        # 500 shipped draws, and at least 200 effective ones here
        error = old.std(axis=0) * np.sqrt(1 / 500 + 1 / 200)
        assert (np.abs(new.mean(axis=0) - old.mean(axis=0)) < 4 * error).all()
        np.testing.assert_allclose(new.std(axis=0), old.std(axis=0), rtol=0.3)


def test_known_hazards_are_found_again():
    truth_age, truth_effect = np.array([-4.0, -4.4, -4.8, -5.0, -5.0]), np.array([0.9, 0.0])
    truth_frailty, n = 0.9, 1200
    rng = np.random.default_rng(8)
    design = rng.integers(0, 2, (n, 2)).astype(float)
    tilt = (design - design.mean(axis=0)) @ truth_effect + truth_frailty * rng.normal(size=n)
    # Invert the cumulated hazard, bin by bin; censor at two years.
    target, days = rng.exponential(size=n) / np.exp(tilt), np.zeros(n)
    for low, high, rate in zip(AGE_BINS, AGE_BINS[1:], np.exp(truth_age), strict=False):
        inside = np.minimum(target / rate, high - low)
        days += np.where(target > 0, inside, 0.0)
        target = np.maximum(target - rate * (high - low), 0.0)
    spells = replace(
        talk_spells(),
        names=tuple(str(i) for i in range(n)),
        days=np.minimum(days, 730.0),
        event=days < 730.0,
        design=design,
    )
    fit = fit_pooled(spells, seed=9, sampling=SMALL)
    for name, truth in (
        ("age", truth_age), ("effect", truth_effect), ("frailty", np.array(truth_frailty)),
    ):  # fmt: skip
        draws = flat(fit, name)
        low, high = np.quantile(draws, [0.0005, 0.9995], axis=0)
        assert ((low <= truth) & (truth <= high)).all(), (name, low, truth, high)
