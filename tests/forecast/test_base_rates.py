"""Base rates are those of the base-rate theory on its own, for every target."""

import numpy as np
import pytest

from beliefs.errors import ConflictError
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.action_draws import BASE
from beliefs.inference.smc.blocks import track_blocks
from beliefs.inference.smc.track import track
from beliefs.model.theory import load_theory

HORIZON = 14


def rows_of(document):
    rows = document["targets"] + document.get("settlement", [])
    return {(r["target"], r["side"], r["by"], r.get("rule")): r for r in rows}


def test_base_rates_are_what_an_independent_run_of_the_base_rate_theory_says(acting):
    """Other particles, other random numbers: only Monte-Carlo error is between them."""
    theory = load_theory("mutual_optimism")
    believing = track(acting, theory, particles=300, seed=1).at(acting.as_of)
    alone = track(acting, load_theory(BASE), particles=600, seed=77).at(acting.as_of)
    mine, theirs = (
        rows_of(summarise(forecast(p, HORIZON, seed=s, allow_failed=True)))
        for p, s in ((believing, 5), (alone, 6))
    )
    asked = [key for key in mine if mine[key]["base_rate_source"].startswith("base-rate theory")]
    assert {key[0] for key in asked} >= {"talks", "deal", "breach", "war"} and set(asked) <= set(
        theirs
    )
    for key in asked:
        base, p, n = mine[key]["base_rate"], theirs[key]["p"], 300
        error = np.hypot(theirs[key]["mcse"], np.sqrt(max(p * (1 - p), 1 / n) / n))
        assert abs(base - p) < 4.0 * error, (key, base, p)


def test_parameters_of_a_block_that_was_not_inferred_are_an_error(acting):
    found = track_blocks(acting, BASE, particles=100, seed=1, only=["strikes_A"])
    with pytest.raises(ConflictError, match="not inferred") as caught:
        found.params(10, np.random.default_rng(1))
    assert "belief" in caught.value.found and "strikes" not in caught.value.found
