"""What is known of the parameters of conduct: draws to be paired with those of a posterior.

Blocks of conduct are independent of the belief block, given what each period knew of beliefs
(`beliefs.inference.smc.blocks`), so that draws of theirs are paired with draws of beliefs by
index. Beside
them stand as many draws under the base-rate theory M0, all of whose blocks are learnt from the
study, talks among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.model.structure import structure_of
from beliefs.model.system import conduct_factors, conduct_log_likelihoods, factors
from beliefs.model.theory import Theory, conduct_neutral, conduct_parameters, load_theory

if TYPE_CHECKING:
    from beliefs.inference.posterior import Posterior
    from beliefs.inference.smc.blocks import Blocks

__all__ = ["BASE", "PARTICLES", "Conduct", "base_draws", "conduct_of"]

Floats = NDArray[np.float64]
Draws = dict[str, Floats]

BASE = "base_rate"
PARTICLES = 1000
CHUNK = 250  # draws whose likelihood is computed at once
STREAM = 104729  # keeps what is drawn here apart from other uses of the seed


@dataclass(frozen=True, eq=False)
class Conduct:
    """Draws of the parameters of conduct, each (sample, ...).

    Attributes
    ----------
    theory
        Name of the theory.
    seed
        Seed that they were drawn with.
    posterior, prior
        Free parameters of conduct.
    base
        Free parameters of the base-rate theory, those of talks among them.
    log_prior, log_likelihood
        (sample,) of the draws of `posterior`.
    """

    theory: str
    seed: int
    posterior: Draws
    prior: Draws
    base: Draws
    log_prior: Floats
    log_likelihood: Floats

    def draws_for(self, posterior: Posterior, group: str) -> Draws:
        """Return all parameters of conduct to go with a group of draws of a posterior.

        Raises
        ------
        ConflictError
            These are draws for another theory, or not as many.
        """
        want, have = _count(posterior), len(self.log_prior)
        if (posterior.theory.name, want) != (self.theory, have):
            raise ConflictError(
                "the draws of conduct belong to another posterior",
                where="conduct",
                found=f"{have} draws under {self.theory}",
                expected=f"{want} draws under {posterior.theory.name}",
                mend="leave `actions` out: they are then learnt for this posterior",
            )
        mine: Draws = self.posterior if group == "posterior" else self.prior
        return conduct_neutral(posterior.theory, posterior.structure) | mine


def conduct_of(
    posterior: Posterior,
    *,
    seed: int | None = None,
    particles: int = PARTICLES,
    progress: Callable[[str], None] | None = None,
) -> Conduct | None:
    """Learn the parameters of conduct that go with a posterior.

    Parameters
    ----------
    posterior
        Where forecasts start from. The draws of a fit are filtered once, to know what each period
        knew of beliefs; a posterior of a track has that track.
    seed
        Seed of everything random here; that of the posterior when None.
    particles
        Number of particles of each block.
    progress
        Called with a few words as periods are taken in.

    Returns
    -------
    Conduct or None
        None where the theory says nothing of conduct.
    """
    from beliefs.inference.smc.blocks import track_blocks
    from beliefs.inference.smc.track import from_posterior

    theory, structure = posterior.theory, structure_of(posterior.inputs)
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
        only=[f.name for f in conduct_factors()],
        inputs=posterior.inputs,
        progress=progress,
        belief=belief,
    )
    draws = _count(posterior)
    streams = [np.random.default_rng([seed, STREAM, part]) for part in range(2)]
    found = mine.params(draws, streams[0], beliefs=False)
    return Conduct(
        theory=theory.name,
        seed=seed,
        posterior=found,
        prior=mine.prior(draws, streams[1], beliefs=False),
        base=posterior.base,
        log_prior=_log_prior(theory, mine, found),
        log_likelihood=_log_likelihood(theory, mine, found),
    )


def base_draws(posterior: Posterior) -> Draws:
    """Learn the base-rate theory from the study of a posterior: all of it, talks too.

    Returns
    -------
    dict
        As many draws of every free parameter as the posterior has, each (sample, ...).
    """
    from beliefs.inference.smc.blocks import track_blocks

    found = track_blocks(
        posterior.study,
        load_theory(BASE),
        particles=PARTICLES,
        seed=posterior.seed,
        inputs=posterior.inputs,
    )
    return found.params(_count(posterior), np.random.default_rng([posterior.seed, STREAM, 2]))


def _count(posterior: Posterior) -> int:
    sizes = posterior.tree["posterior"].sizes
    return int(sizes["chain"] * sizes["draw"])


def _log_prior(theory: Theory, blocks: Blocks, draws: Draws) -> Floats:
    """Return the log prior density of draws, (sample,)."""
    total = np.zeros(len(next(iter(draws.values()))))
    for p in conduct_parameters(theory, structure_of(blocks.inputs)):
        values = draws[p.name]
        total += np.asarray(p.prior.logpdf(values.ravel())).reshape(len(values), -1).sum(axis=-1)
    return total


def _log_likelihood(theory: Theory, blocks: Blocks, draws: Draws) -> Floats:
    """Return the log likelihood of draws, (sample,)."""
    structure = structure_of(blocks.inputs)
    neutral, names = (
        conduct_neutral(theory, structure),
        [f.name for f in factors(theory, structure)],
    )
    size, parts = len(next(iter(draws.values()))), []
    for low in range(0, size, CHUNK):
        mine = {k: v[low : low + CHUNK] for k, v in draws.items()}
        logs = conduct_log_likelihoods(np, neutral | mine, blocks.columns, structure, names)
        total = sum(v.sum(axis=-1) for v in logs.values())
        parts.append(np.broadcast_to(total, (len(next(iter(mine.values()))),)))
    return np.concatenate(parts)
