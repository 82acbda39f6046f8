from dataclasses import replace

import numpy as np
import pytest

ORIGIN = "2026-04-12"  # a truce of two weeks has been in force for five days
HORIZON = 21


def prior_actions(posterior):
    """Draws of actions around the medians of the prior, as many as the posterior has."""
    from beliefs.inference.action_draws import BASE
    from beliefs.inference.posterior import ActionDraws
    from beliefs.inference.smc.unconstrained import coordinates_of
    from beliefs.model.theory import free_parameters, load_theory

    sizes = posterior.tree["posterior"].sizes
    size, rng = sizes["chain"] * sizes["draw"], np.random.default_rng(3)
    base, structure = load_theory(BASE), posterior.structure

    def drawn(parameters):
        known = coordinates_of(list(parameters), structure)
        return known.params(0.5 * rng.standard_normal((size, known.size)))

    mine = free_parameters(posterior.theory, structure, "actions")
    theirs = free_parameters(base, structure, None)
    theirs = [p for p in theirs if p.name != "innovation"]
    posterior_draws, prior = drawn(mine), drawn(mine)
    density = rng.standard_normal((2, size))
    density = {"log_prior": density[0], "log_likelihood": density[1]}
    return ActionDraws(posterior_draws, prior, drawn(theirs), density)


@pytest.fixture(scope="session")
def result():
    """Forecasts with actions from the truce of 2026, by theory; draws around prior medians."""
    from posteriors import FAILED, small_posterior

    from beliefs import forecast, load_study

    path, known = load_study("us-iran-2026").path, {}

    def ask(theory):
        if theory not in known:
            posterior = small_posterior(path, theory, size=(4, 100), as_of=ORIGIN, report=FAILED)
            posterior = replace(posterior, actions=prior_actions(posterior))
            known[theory] = forecast(posterior, HORIZON, seed=5, allow_failed=True)
        return known[theory]

    return ask
