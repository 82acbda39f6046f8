"""What is known of the parameters of actions: draws to be paired with those of a posterior.

Blocks of actions are independent of the belief block, given what each period knew of beliefs
(`beliefs.inference.smc.blocks`), so that draws of theirs are paired with draws of beliefs by index.
Beside them stand as many draws under the base-rate theory M0, all of whose blocks are learnt from
the study, talks among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from beliefs.errors import ConflictError
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.inference.posterior import Draws, Posterior
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.particles import Floats
from beliefs.inference.smc.track import from_posterior
from beliefs.model.structure import structure_of
from beliefs.model.system import action_log_likelihoods, factors, factors_of
from beliefs.model.theory import free_parameters, load_theory, null_values

BASE = "base_rate"
PARTICLES = 1000
CHUNK = 250  # draws whose likelihood is computed at once
STREAM = 104729  # keeps what is drawn here apart from other uses of the seed


@dataclass(frozen=True, eq=False)
class ActionDraws:
    """Draws of the parameters of actions, each (sample, ...)."""

    theory: str  # its name
    seed: int  # that they were drawn with
    posterior: Draws  # free parameters of actions
    prior: Draws
    base: Draws  # free parameters of the base-rate theory, those of talks among them
    log_prior: Floats  # (sample,) of the draws of `posterior`
    log_likelihood: Floats

    def draws_for(self, posterior: Posterior, group: str) -> Draws:
        """Return all parameters of actions to go with a group of draws of their posterior."""
        want, have = posterior.size, len(self.log_prior)
        if (posterior.theory.name, want) != (self.theory, have):
            raise ConflictError(
                "the draws of actions belong to another posterior",
                where="action_draws",
                found=f"{have} draws under {self.theory}",
                expected=f"{want} draws under {posterior.theory.name}",
                fix="leave `actions` out: they are then learnt for this posterior",
            )
        mine = self.posterior if group == "posterior" else self.prior
        return null_values(posterior.theory, posterior.structure, "actions") | mine


_learnt: WeakKeyDictionary[Posterior, ActionDraws | None] = WeakKeyDictionary()
_bases: WeakKeyDictionary[Posterior, Draws] = WeakKeyDictionary()


def actions_with(posterior: Posterior) -> ActionDraws | None:
    """Return the draws of actions that a posterior keeps, or learn them on first use."""
    if posterior.kept is None and posterior not in _learnt:
        _learnt[posterior] = actions_of(posterior)
    return posterior.kept or _learnt[posterior]


def base_draws(posterior: Posterior) -> Draws:
    """Return draws of the base-rate theory learnt from the study of a posterior, talks too.

    As many of every free parameter as the posterior has, each (sample, ...); learnt on first use.
    """
    if posterior.kept is not None:
        return posterior.kept.base
    if posterior not in _bases:
        found = track_blocks(
            posterior.study,
            load_theory(BASE),
            particles=PARTICLES,
            seed=posterior.seed,
            inputs=posterior.inputs,
        )
        rng = np.random.default_rng([posterior.seed, STREAM, 2])
        _bases[posterior] = found.params(posterior.size, rng)
    return _bases[posterior]


def actions_of(
    posterior: Posterior,
    *,
    seed: int | None = None,
    particles: int = PARTICLES,
) -> ActionDraws | None:
    """Learn the parameters of actions that go with a posterior; None where its theory has none.

    The draws of a fit are filtered once, to know what each period knew of beliefs; a posterior of a
    track has that track. The seed is that of the posterior when None.
    """
    theory, structure = posterior.theory, posterior.structure
    seed = checked_seed(posterior.seed if seed is None else seed)
    if not factors(theory, structure):
        return None
    belief = None
    if theory.beliefs:
        belief = posterior.track or from_posterior(posterior, particles, seed)
    mine = track_blocks(
        posterior.study,
        theory,
        particles=particles,
        seed=seed,
        only=[f.name for f in factors_of("actions")],
        inputs=posterior.inputs,
        belief=belief,
    )
    streams, size = [np.random.default_rng([seed, STREAM, part]) for part in (0, 1)], posterior.size
    found = mine.params(size, streams[0], beliefs=False)
    log_prior = np.zeros(size)
    for p in free_parameters(theory, structure, "actions"):
        densities = np.asarray(p.prior.logpdf(found[p.name].ravel()))
        log_prior += densities.reshape(size, -1).sum(axis=-1)
    return ActionDraws(
        theory=theory.name,
        seed=seed,
        posterior=found,
        prior=mine.prior(size, streams[1], beliefs=False),
        base=base_draws(posterior),
        log_prior=log_prior,
        log_likelihood=_log_likelihood(mine, found, size),
    )


def _log_likelihood(blocks: Blocks, draws: Draws, size: int) -> Floats:
    """Return the log likelihood of draws, (sample,)."""
    theory, structure = blocks.theory, structure_of(blocks.inputs)
    null = null_values(theory, structure, "actions")
    names = [f.name for f in factors(theory, structure)]
    out = np.empty(size)
    for low in range(0, size, CHUNK):
        part = slice(low, min(low + CHUNK, size))
        mine = {k: v[part] for k, v in draws.items()}
        logs = action_log_likelihoods(np, null | mine, blocks.columns, structure, names)
        out[part] = sum(v.sum(axis=-1) for v in logs.values())
    return out
