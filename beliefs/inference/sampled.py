"""The posterior of a study by either engine, as the settings of a run folder name it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from beliefs.errors import StudyError
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.posterior import Posterior
from beliefs.inference.smc.track import track
from beliefs.model.theory import Theory
from beliefs.study.load import Study

PARTICLES = 2000
LONG = 400
"""Periods beyond which chains are cheaper than particles, which pass over all of them each time
they move."""


def settings_for(study: Study, sampler: str | None, particles: int | None) -> dict[str, int]:
    """Return the settings of a sampler, ``particles`` or ``nuts``.

    None takes particles where their number is given, and goes by length where it is not.
    """
    if sampler == "nuts" and particles is not None:
        raise StudyError(
            "particles are not what NUTS draws", where="--particles", found=str(particles),
            expected="--sampler particles, or no number of them", fix="leave one of both out",
        )  # fmt: skip
    if sampler is None:
        sampler = "nuts" if particles is None and study.grid.n > LONG else "particles"
    if sampler == "particles":
        return {"particles": particles or PARTICLES}
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
        begun = time.perf_counter()
        found = track(study, theory, seed=seed, progress=say, particles=settings["particles"])
        timings = {"track": round(time.perf_counter() - begun, 3)}
        return replace(found.at(found.ends[-1]), timings=timings)
    from beliefs.inference.nuts.fit import fit  # loads the sampler

    more: dict[str, Any] = {"progress": say, "share_done": share_done}
    return fit(study, theory, seed=seed, sampling=Sampling(**settings), **more)
