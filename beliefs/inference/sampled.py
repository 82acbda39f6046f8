"""The posterior of a study by either engine, as the settings of a run folder name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.track import track
from beliefs.model.theory import Theory
from beliefs.study.load import Study

PARTICLES = 2000
LONG = 400
"""Periods beyond which chains are cheaper than particles, which pass over all of them each time
they move."""


def settings_for(study: Study, sampler: str | None, particles: int) -> dict[str, int]:
    """Return the settings of a sampler, ``particles`` or ``nuts``; None takes it by length."""
    if (sampler or ("nuts" if study.grid.n > LONG else "particles")) == "particles":
        return {"particles": particles}
    of = Sampling()
    return {"draws": of.draws, "tune": of.tune, "chains": of.chains, "cores": of.cores}


def sampled(
    study: Study,
    theory: Theory,
    settings: dict[str, int],
    *,
    seed: int,
    say: Callable[[str], None] | None = None,
    share_done: Callable[[float], None] | None = None,
) -> Posterior:
    """Return the posterior at the as-of date."""
    if "particles" in settings:
        if say is not None:
            say("track")
        found = track(study, theory, seed=seed, progress=say, particles=settings["particles"])
        return found.at(found.ends[-1])
    from beliefs.inference.nuts.fit import fit  # loads the sampler

    more: dict[str, Any] = {"progress": say, "share_done": share_done}
    return fit(study, theory, seed=seed, sampling=Sampling(**settings), **more)
