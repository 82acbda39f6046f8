"""A posterior that somebody else computed as the start of a track."""

from __future__ import annotations

import numpy as np

from beliefs.errors import StudyError
from beliefs.inference.exact import exact
from beliefs.inference.filter.filter_model import Model
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.track import KINDS
from beliefs.inference.smc.track_result import Row, Track
from beliefs.model.theory import free_parameters

__all__ = ["from_posterior"]


@exact
def from_posterior(posterior: Posterior, particles: int, seed: int) -> Track:
    """Take over a posterior that was sampled, so that `advance` can go on from it.

    Its draws of the parameters become particles of equal weight, and the filter computes what each
    of them makes of the periods so far. Beliefs are not taken over: given the parameters, the
    filter has them.

    Parameters
    ----------
    posterior
        From `beliefs.fit`; its last active period becomes the first row of the track, which cannot
        go back before it.
    particles
        How many; draws are thinned evenly to this number. All draws where there are fewer.
    seed
        Seed of what is random later on.

    Raises
    ------
    StudyError
        The posterior has no parameter.
    """
    model = Model.of(posterior.inputs, posterior.theory)
    if model.coordinates.size == 0:
        raise StudyError(
            "the theory frees no parameter",
            where=f"theory {posterior.theory.name}",
            found="mechanisms " + ", ".join(posterior.theory.mechanisms),
            expected="at least one free parameter",
            mend="switch a mechanism on",
        )
    group = posterior.tree["posterior"]
    draws = {}
    for part in model.coordinates.parts:
        values = np.asarray(group[part.name].values, dtype=np.float64)
        draws[part.name] = values.reshape(-1, *values.shape[2:])
    count = len(next(iter(draws.values())))
    # Draws follow one another chain by chain: even steps take as many of each.
    chosen = (np.arange(min(particles, count)) * count) // min(particles, count)
    priors = {p.name: p.prior for p in free_parameters(posterior.theory, model.structure)}
    scores = np.ascontiguousarray(
        model.coordinates.scores({k: v[chosen] for k, v in draws.items()}, priors)
    )
    n_time = int(posterior.inputs.active.sum())
    belief = model.replay(scores, n_time)[0]
    row = Row.of(
        belief,
        np.zeros(len(scores)),
        np.ones(KINDS),
        0,
        np.nan,
        np.full(2, np.nan),
    )
    return Track(
        study=posterior.study,
        inputs=posterior.inputs,
        theory=posterior.theory,
        seed=seed,
        epochs=(scores,),
        rows=(row,),
        rejuvenations=(),
        last=belief,
        coordinates=model.coordinates,
        taken=n_time,
    )
