"""Additions to belief and talks are found again in studies drawn from them.

A posterior that equals its prior covers as well as any; so each test also asks that the data moved
every one of the parameters.
"""

from dataclasses import fields, replace

import numpy as np
import pytest
from action_recovery import Recovery

from beliefs import build_inputs, load_study, track
from beliefs.inference.posterior import draw_prior
from beliefs.inference.smc.particles import resample
from beliefs.model.structure import structure_of
from beliefs.model.theory import Theory, free_parameters, mechanisms
from beliefs.simulation.studies import simulate_belief_block

pytestmark = pytest.mark.statistical

LEARNT = 0.2  # contraction of the prior: twice what a claim needs to be judged at all
STUDIES, SEED = 30, 40
# Particles, and how often the calendar of the bundled duel (120 days) is gone through.
SIZE = {"news": (600, 1), "talks": (300, 3), "surplus": (300, 4), "crack": (300, 3)}
SPELL, SHOCKS = 20, 15  # days of a regime, and from one shock to the next
# Additions to belief and talks, tracked together by what they act on, and the parameters that go
# with them: scorecards and noise, both hazards of talks, costs and how talks follow the surplus.
# Few at a time, because some hundred particles do not find their way in forty dimensions.
GROUPS = {
    "news": (("shared", "tactical_reset"), ("weight_own", "log_volatility", "log_reading_step")),
    "talks": (
        ("economic_hinge", "mediator_late", "deadlock_shape", "shift_talks", "proxy_credibility"),
        ("onset_base", "continuation_base"),
    ),
    "surplus": (
        ("escalation_cost", "convex_cost"),
        ("log_volatility", "log_cost", "surplus_effect", "onset_base", "continuation_base"),
    ),
    "crack": (
        ("crack_rule",),
        ("log_volatility", "surplus_effect", "onset_base", "continuation_base"),
    ),
}
# Talks every few days and not every few years, dear fighting and lively beliefs: under the declared
# priors most studies hold no talks at all, from which nothing can be found again. Normal priors by
# mean and standard deviation.
OFTEN = {"onset_base": (-0.5, 0.5), "continuation_base": (0.0, 0.5)}
LIVELY = {
    "news": {},
    "talks": OFTEN,
    "surplus": {
        "log_volatility": (-0.5, 0.3), "log_cost": (-1.0, 0.3), "surplus_effect": (1.0, 0.3),
        "onset_base": (-8.0, 0.5), "continuation_base": (-7.0, 0.5),
    },
    # Both beliefs enter the surplus in sum, and the lower one is half of that: a strong surplus
    # leaves nothing to tell the two apart by.
    "crack": {"log_volatility": (-0.5, 0.3), "surplus_effect": (0.2, 0.1), **OFTEN},
}  # fmt: skip


def theory(group):
    """A theory that frees the parameters of a group alone."""
    added, rest = GROUPS[group]
    normal = {n: {"dist": "Normal", "mu": m, "sigma": s} for n, (m, s) in LIVELY[group].items()}
    return Theory(
        "R", f"recovery_{group}", "Additions to belief and talks", "test", True,
        tuple(mechanisms()), (), normal, (*added, *rest, "innovation"),
    )  # fmt: skip


def design(rng, times):
    """The bundled duel gone through some times, in which all that the additions weigh happens.

    Regimes change often, shocks come again and again, and what actions tells of mediators, shifts
    of power and the rest is made up without any order.
    """
    once = build_inputs(load_study("synthetic-duel"))
    one, n = len(once.dates), times * len(once.dates)
    result = {
        name: np.concatenate([value] * times, axis=-1)
        for name in {f.name for f in fields(once) if f.name != "seeing"}
        if isinstance(value := getattr(once, name), np.ndarray) and value.shape[-1:] == (one,)
    }
    result["dates"] = once.dates[0] + np.arange(n)
    spells = [once.regime_kinds.index(k) for k in ("war", "truce")]
    result["regime"] = np.asarray(spells)[np.arange(n) // SPELL % 2]
    result["quiet"], result["quiet_seen"] = 1.0 * (rng.random(n) < 0.6), np.ones(n, dtype=bool)
    result["shock_on"] = np.zeros((len(once.shocks), n))
    for number in range(len(once.shocks)):
        result["shock_on"][number, SHOCKS * (number + 1) // 2 :: SHOCKS * (number + 1)] = 1.0
    seen = replace(
        once.observed, heavy=rng.gamma(1.0, 1.0, (2, n)), hinge=rng.random(n),
        mediator_old=rng.random(n), spell_age=rng.gamma(1.0, 1.0, n),
        power_shift=rng.gamma(1.0, 1.0, n), proxy_attack=rng.random(n),
        talks_before=np.tile(once.observed.talks_before, times),
    )  # fmt: skip
    return replace(once, **result, seeing=lambda: seen)


def recover(group, seed):
    """Draw studies with parameters from the prior, track them, and compare with the truth."""
    particles, times = SIZE[group]
    study, made = load_study("synthetic-duel"), design(np.random.default_rng(seed), times)
    mine, where = theory(group), structure_of(made)
    recovered = Recovery([p for p in free_parameters(mine, where) if p.name in GROUPS[group][0]])
    for number in range(STUDIES):
        rng = np.random.default_rng([seed, number])
        truth = draw_prior(mine, where, rng, ())
        inputs, _ = simulate_belief_block(made, mine, truth, rng)
        found = track(study, mine, particles=particles, seed=number, inputs=inputs)
        index = resample(found.log_weights[-1], rng.random(), particles)
        recovered.add(found.coordinates.params(found.scores()[index]), truth)
    return recovered


@pytest.mark.parametrize("group", GROUPS)
def test_additions_to_belief_and_talks_are_recovered(group):
    found = recover(group, SEED)
    assert not found.missed()
    assert min(found.contraction.values()) > LEARNT, found.contraction
