"""What is known of the parameters of actions: draws to be paired with those of a posterior.

Blocks of actions are independent of the belief block, given what each period knew of beliefs
(`beliefs.inference.smc.blocks`), so that draws of theirs are paired with draws of beliefs by index.
Beside them stand as many draws of all blocks under the base-rate theory M0, talks among them.
"""

from functools import lru_cache

import numpy as np

from beliefs.inference.posterior import Draws, Posterior
from beliefs.inference.smc.belief_lag import belief_lag
from beliefs.inference.smc.blocks import track_blocks
from beliefs.inference.smc.track import Track, from_posterior
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import action_columns
from beliefs.model.system import action_log_likelihoods, factors, factors_of
from beliefs.model.theory import Theory, free_parameters, informed, load_theory, null_values

BASE = "base_rate"
PARTICLES = 1000
CHUNK = 250  # draws whose likelihood is computed at once
STREAM = 104729  # keeps what is drawn here apart from other uses of the seed


def action_draws(posterior: Posterior, group: str, particles: int = PARTICLES) -> Draws:
    """Return a group of the draws of actions that a posterior keeps; made on first use."""
    kept: Draws = getattr(posterior.actions, group)
    if not kept:
        kept.update(_MADE[group](posterior, particles))
    return kept


def _posterior(posterior: Posterior, particles: int) -> Draws:
    found = track_blocks(
        posterior.study, posterior.theory, particles=particles, seed=posterior.seed,
        only=[f.name for f in factors_of("actions")], inputs=posterior.inputs,
        belief=_filtered(posterior, particles),
    )  # fmt: skip
    return found.params(posterior.size, _stream(posterior, 0), beliefs=False)


@lru_cache(maxsize=1)  # the same for draws and their densities
def _filtered(posterior: Posterior, particles: int) -> Track | None:
    """Return what each period knew of beliefs: the track of a posterior, or its draws filtered."""
    if not posterior.theory.beliefs:
        return None
    return posterior.track or from_posterior(posterior, particles, posterior.seed)


def _prior(posterior: Posterior, _: int) -> Draws:
    structure = posterior.structure
    known = coordinates_of(free_parameters(posterior.theory, structure, "actions"), structure)
    return known.params(_stream(posterior, 1).standard_normal((posterior.size, known.size)))


def base_theory(posterior: Posterior) -> Theory:
    """Return the theory of base rates, informed by past conflicts where the posterior's is."""
    theory = load_theory(BASE)
    if posterior.theory.informed is None:
        return theory
    return informed(theory, posterior.study, required=False)


def _base(posterior: Posterior, _: int) -> Draws:
    study, theory, inputs = posterior.study, base_theory(posterior), posterior.inputs
    found = track_blocks(study, theory, particles=PARTICLES, seed=posterior.seed, inputs=inputs)
    return found.params(posterior.size, _stream(posterior, 2))


def _density(posterior: Posterior, particles: int) -> Draws:
    """Return log prior and log likelihood of the draws of the posterior, each (sample,)."""
    theory, structure, size = posterior.theory, posterior.structure, posterior.size
    draws = action_draws(posterior, "posterior", particles)
    log_prior, log_likelihood = np.zeros(size), np.empty(size)
    for p in free_parameters(theory, structure, "actions"):
        densities = np.asarray(p.prior.logpdf(draws[p.name].ravel()))
        log_prior += densities.reshape(size, -1).sum(axis=-1)
    columns = action_columns(posterior.inputs)
    columns |= belief_lag(_filtered(posterior, particles), structure.n_time)
    null = null_values(theory, structure, "actions")
    names = [f.name for f in factors(theory, structure)]
    for low in range(0, size, CHUNK):
        mine = {k: v[low : low + CHUNK] for k, v in draws.items()}
        logs = action_log_likelihoods(np, null | mine, columns, structure, names)
        log_likelihood[low : low + CHUNK] = sum(v.sum(axis=-1) for v in logs.values())
    return {"log_prior": log_prior, "log_likelihood": log_likelihood}


def _stream(posterior: Posterior, part: int) -> np.random.Generator:
    return np.random.default_rng([posterior.seed, STREAM, part])


_MADE = {"posterior": _posterior, "prior": _prior, "base": _base, "density": _density}
