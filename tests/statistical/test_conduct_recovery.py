"""Parameters of conduct are found again in studies drawn from them.

A posterior that equals its prior covers as well as any; so each test also asks that the data moved
the parameters that such a study can tell.
"""

import numpy as np
import pytest
from conduct_recovery import STUDIES, design, recover

from beliefs.model import priors as pz
from beliefs.model.mechanisms import accidents, reciprocity, redlines
from beliefs.model.observation import draw

pytestmark = pytest.mark.statistical

# Under the declared priors one study in twelve feeds on itself without end.
CALMER = {"log_excite_own": pz.Normal(-2.5, 0.5), "log_excite_cross": pz.Normal(-1.7, 0.4)}


def strikes(made, rng):
    """Counts, period by period: every act leaves a trace that later ones answer."""
    n_time = made.structure.n_time
    counts, recent = np.zeros((STUDIES, 2, n_time)), np.zeros((STUDIES, 2, n_time))
    acts, warned = (np.zeros((STUDIES, 2, 5, n_time)) for _ in range(2))
    trace, fading = np.zeros((STUDIES, 2)), np.zeros((STUDIES, 2))
    size = reciprocity.size_of(np, made.truth)
    share = reciprocity.kept(np, made.truth, made.structure)[:, None]
    for t in range(n_time):
        recent[..., t] = np.log1p(fading)
        state = made.state(t) | {"trace": trace, "own_recent": recent[..., t]}
        eta = reciprocity.rates(made.truth, state, made.structure, ["strikes_A", "strikes_B"])
        for side, name in enumerate(("strikes_A", "strikes_B")):
            counts[:, side, t] = draw(rng.random(STUDIES), "negbin_log", eta[name], size, 500)
        acts[..., t] = rng.multinomial(counts[..., t].astype(int), [0.1, 0.2, 0.3, 0.3, 0.1])
        warned[..., t] = rng.binomial(acts[..., t].astype(int), 0.3)
        marks = reciprocity.mark(np, made.truth, acts[..., t : t + 1], warned[..., t : t + 1])
        trace = reciprocity.next_trace(trace, marks[..., 0], share)
        fading = np.exp(-1.0 / 3.0) * fading + counts[..., t]
    assert counts.max() < 500.0  # nothing was cut off
    return {
        "strike_count": counts,
        "strike_by_severity": acts,
        "warned_by_severity": warned,
        "own_recent": recent,
    }


def test_rates_of_strikes_and_replies_are_recovered():
    factors = [f for f in reciprocity.FACTORS if f.name != "severity"]
    made = design(factors, seed=1, priors=CALMER)
    found = recover(made, factors, strikes(made, np.random.default_rng(2)))
    assert not found.missed()
    told = {"strike_base": 0.6, "instrument_rate": 0.3, "log_dispersion": 0.2, "valve": 0.2}
    assert all(found.contraction[name] > least for name, least in told.items()), found.contraction


def test_severities_of_replies_are_recovered():
    factors = [f for f in reciprocity.FACTORS if f.name == "severity"]
    made, rng = design(factors, seed=3), np.random.default_rng(4)
    n = made.columns["strike_count"]
    spread = np.exp(made.truth["log_severity_spread"])[:, None, None] / np.sqrt(np.maximum(n, 1.0))
    mean = reciprocity.severity_mean(made.truth, made.columns)
    drawn = (mean + spread * rng.normal(size=mean.shape)) * (n > 0)
    found = recover(made, factors, {"severity_log": drawn})
    assert not found.missed()
    assert min(found.contraction.values()) > 0.5, found.contraction


def test_accidents_are_recovered():
    made, rng = design(accidents.FACTORS, seed=5), np.random.default_rng(6)
    seen, n_time = made.columns, made.structure.n_time
    acts = seen["breach_own"] + seen["breach_other"]
    names = ("cause", "command", "excluded")
    eta = {
        name: np.stack(
            [
                accidents.rates(made.truth, made.state(t), made.structure)[name]
                for t in range(n_time)
            ],
            axis=-1,
        )
        for name in names
    }
    other = draw(rng.random(eta["cause"].shape), "binomial_logit", eta["cause"], acts)
    found = recover(
        made,
        accidents.FACTORS,
        {
            "breach_other": other,
            "breach_own": acts - other,
            "disobeyed": draw(rng.random(eta["command"].shape), "cloglog", eta["command"]),
            "excluded_count": draw(
                rng.random(eta["excluded"].shape), "poisson_log", eta["excluded"]
            ),
        },
    )
    assert not found.missed()
    told = {"exogenous_disruption": 0.7, "command_control": 0.5, "exclusion_base": 0.7}
    assert all(found.contraction[name] > least for name, least in told.items()), found.contraction


def test_crossings_of_red_lines_are_recovered():
    made, rng = design(redlines.FACTORS, seed=7), np.random.default_rng(8)
    touched = made.columns["line_touch"]
    eta = redlines.rates(made.truth, {}, made.structure)["crossing"][..., None]
    crossed = draw(rng.random((STUDIES, *touched.shape)), "binomial_logit", eta, touched)
    found = recover(made, redlines.FACTORS, {"line_cross": crossed})
    assert not found.missed()
    assert found.contraction["crossing"] > 0.6, found.contraction
