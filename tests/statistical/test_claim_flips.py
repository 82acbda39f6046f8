"""A verdict follows the data: it flips when the sign of what generates made-up studies does."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from action_design import columns, structure

from beliefs.evaluation.claims.evidence import Draws, Seen
from beliefs.evaluation.claims.verdicts import DRAWS, PRIOR_DRAWS, Ground, judge, load_claims
from beliefs.inference.smc.blocks import blocks
from beliefs.inference.smc.sequential import track_likelihood
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import until
from beliefs.model.system import action_log_likelihoods
from beliefs.model.theory import free_parameters, judged, null_values
from beliefs.simulation.studies import simulate_columns

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

SHORT, LONG = 700, 2000  # periods, with strikes and without, which are quicker to follow
PARTICLES = 300
FAR = 0.9332  # quantile one and a half standard deviations out
MIDWAY = 0.8413  # and one standard deviation
OFTEN = 0.95  # quantile of base rates: something has to happen in the made-up study


def place(n_time):
    """The made-up study: one side coerces, the other endures."""
    return replace(structure(n_time), endurance=(False, True))


WHERE = place(SHORT)


def parameters(claim):
    """The parameters that a claim is about."""
    return set(claim.null) | ({"reversal_base"} if claim.contrast else set())


def judgeable():
    """Claims whose region is about the parameters of one block of actions.

    Severities are left out: where replies take over all of the severity that provoked them, drawn
    log severities wander off without bound.
    """
    out = []
    for claim in load_claims():
        theory = judged(claim.theory)
        known = {p.name for p in free_parameters(theory, WHERE, "actions")}
        part = parameters(claim)
        if part and part <= known and "severity" not in claim.score:
            out.append(claim)
    return out


class Case:
    """A claim, the block that it is about, and parameters under which it is true and false."""

    def __init__(self, claim):
        self.claim, self.theory = claim, judged(claim.theory)
        actions = [b for b in blocks(self.theory, WHERE) if not b.beliefs]
        self.block = next(b for b in actions if set(b.observables) & set(claim.score))
        free = {p.name: p for p in free_parameters(self.theory, WHERE, "actions")}
        self.free = [free[name] for name in self.block.parameters]
        beliefs = [p for p in free_parameters(self.theory, WHERE) if p.name != "innovation"]
        self.rest = [p for p in (*beliefs, *free.values()) if p not in self.free]
        self.n = SHORT if "strikes_A" in self.block.observables else LONG
        self.where = place(self.n)
        self.columns = columns(self.where, np.random.default_rng(7))
        # Hard-line words in spells, so that their decaying sum moves.
        spells = (np.arange(self.n)[None, :] // 60 + np.array([[0], [1]])) % 2
        self.columns["hardline"] = 5.0 * spells
        self.truths = self._truths()

    def draws(self, params, found):
        """Draws of parameters as claims read them."""
        return Draws(params, self.theory, self.where, until(found, self.n))

    def _truths(self):
        part = parameters(self.claim)
        static = {}
        for p in (*self.free, *self.rest):
            often = p.name.startswith("conflict_phase") or p.name.endswith("_base")
            often = often and p.name != "strike_base"
            value = float(p.prior.ppf(OFTEN if often else 0.5))
            static[p.name] = np.full(self.where.size(p.dims), value)
        moving = [
            (p, k) for p in self.free if p.name in part for k in np.ndindex(static[p.name].shape)
        ]
        out = {}
        spots = (FAR, 1.0 - FAR, MIDWAY)
        together = [(q,) * len(moving) for q in spots]  # the clearest cases come first
        for far in (*together, *product(spots, repeat=min(len(moving), 3))):
            values = {k: v.copy() for k, v in static.items()}
            for (p, k), q in zip(moving, far, strict=False):
                values[p.name][k] = float(p.prior.ppf(q))
            draws = {k: v[None] for k, v in values.items()}
            found = self.claim.test(self.draws(draws, self.columns))
            if self.claim.contrast and found.of[0][0, 0] == 0.0:
                continue  # neither true nor false
            out.setdefault(bool(found.held[0]), values)
        return out

    def verdict(self, true, seed):
        """The verdict on the claim in a study drawn with the claim true or false."""
        rng = np.random.default_rng([seed, int(true)])
        null = null_values(self.theory, self.where, "actions")
        # Windows have to end, and acts to happen, for anything to be seen of how.
        names = {*self.block.observables, "resolve"}
        if {"crossing", "severity"} & set(self.claim.score):
            names |= {"strikes_A", "strikes_B"}
        params = null | self.truths[true]
        made = simulate_columns(self.columns, params, self.where, names, rng, quiet_periods=4)
        drawn = self.columns | made

        def likelihood(params, n):
            size = len(next(iter(params.values())))
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                logs = action_log_likelihoods(
                    np, null | params, until(drawn, n), self.where, self.block.observables
                )
            return np.stack(
                [np.broadcast_to(logs[k], (size, n)) for k in self.block.observables], axis=-1
            )

        known = coordinates_of(self.free, self.where)
        track = track_likelihood(
            likelihood, known, self.block.observables, self.n, particles=PARTICLES, seed=seed
        )
        rest = coordinates_of(self.rest, self.where)
        before, others, after = (
            c.params(rng.standard_normal((n, c.size)))
            for c, n in ((known, PRIOR_DRAWS), (rest, PRIOR_DRAWS), (rest, DRAWS))
        )
        found = self.draws(after | track.params(DRAWS, rng), drawn)
        prior = self.draws(before | others, drawn)
        ground = Ground(self.theory.id, 1, Seen(drawn, self.where), found, prior, {})
        return judge(self.claim, ground, seed)


CLAIMS = judgeable()


@pytest.fixture(scope="module")
def verdicts():
    """Claim -> verdicts in a study in which it is true, and in one in which it is false."""
    out = {}
    for claim in CLAIMS:
        case = Case(claim)
        out[claim.id] = tuple(case.verdict(true, seed=1).verdict for true in (True, False))
    return out


def test_at_least_twenty_verdicts_flip(verdicts):
    flipped = [k for k, v in verdicts.items() if v == ("supported", "contradicted")]
    assert len(flipped) >= 20, Counter(verdicts.values())


def test_no_verdict_is_the_wrong_way_round(verdicts):
    wrong = {k: v for k, v in verdicts.items() if v[0] == "contradicted" or v[1] == "supported"}
    assert not wrong
