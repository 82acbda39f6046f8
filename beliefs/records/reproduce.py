"""Recompute a run from what its folder holds, and say how close the result comes.

Equal hashes mean equal bits. Where they differ, the two posteriors are held against their
Monte-Carlo errors, and what else differs (versions, platform) is named.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.smc.track import Track, advance, from_posterior
from beliefs.inference.smc.track import track as track_all
from beliefs.inference.smc.track_tree import arrays_of
from beliefs.model.theory import Theory
from beliefs.records.hashes import content_hash
from beliefs.records.manifest import environment, read_manifest
from beliefs.records.run import load_run, read_parts
from beliefs.records.tracks import FILE, load_track, track_hash
from beliefs.simulation.interventions import parse
from beliefs.study.load import Study, load_study

__all__ = ["Reproduction", "monte_carlo_distance", "reproduce"]

FAMILY_ERROR = 0.001  # chance that two honest runs are called different, over all quantities


@dataclass(frozen=True)
class Reproduction:
    """What recomputing a run gave.

    Attributes
    ----------
    verdict
        ``bit-identical``, ``within Monte-Carlo error`` or ``different``.
    posterior_identical, forecast_identical
        Whether the hash of the posterior and the forecast document came out the same;
        `forecast_identical` is None for a run without a forecast.
    distance, limit, worst
        Largest difference of means in Monte-Carlo standard errors, what two honest runs stay
        below, and the quantity it was found at; 0 and "" where the bits agree.
    environment
        What differs between then and now: one line each.
    """

    verdict: str
    posterior_identical: bool
    forecast_identical: bool | None
    distance: float
    limit: float
    worst: str
    environment: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the record for JSON."""
        return {**vars(self), "environment": list(self.environment)}


def reproduce(path: str | Path, *, progress: Callable[[str], None] | None = None) -> Reproduction:
    """Recompute a run with its own study, theory, seeds and settings.

    Parameters
    ----------
    path
        The run folder; it is only read.
    progress
        Called with the name of each stage.

    Raises
    ------
    StudyError
        The folder is no whole run, or was changed after the run.
    """
    folder, say = Path(path), progress or (lambda _: None)
    say("read")
    manifest = read_manifest(folder)
    kept: Any
    again: Any
    if (folder / FILE).is_file():
        track, anew = load_track(folder), _tracked(folder, manifest, say)
        same = track_hash(arrays_of(anew)) == manifest["posterior_content_sha256"]
        # As many draws as the weights are worth, so that their errors are those of the particles.
        size = int(min(track.report().ess, anew.report().ess))
        kept, again = (t.at(t.ends[-1], draws=size) for t in (track, anew))
    else:
        kept = load_run(folder)
        again = _fitted(kept.study, kept.theory, manifest, say)
        same = content_hash(again.tree) == manifest["posterior_content_sha256"]
    told: bool | None = None
    if manifest["horizon"] is not None:
        say("forecast")
        document = summarise(
            forecast(
                again,
                manifest["horizon"],
                seed=manifest["seed"]["forecast"],
                interventions=[
                    parse(str(folder / "manifest.json"), table)
                    for table in manifest["interventions"]
                ],
                allow_failed=True,
                actions="conduct_content_sha256" in manifest,
            )
        )
        told = document == json.loads((folder / "forecast.json").read_text())
    distance, limit, worst = (0.0, 0.0, "") if same else monte_carlo_distance(kept.tree, again.tree)
    if same and told is not False:
        verdict = "bit-identical"
    else:
        verdict = "within Monte-Carlo error" if distance <= limit else "different"
    now = environment()
    changed = tuple(
        f"{kind} {name}: {then} then, {now[kind].get(name, 'none')} now"
        for kind in ("versions", "platform")
        for name, then in manifest[kind].items()
        if now[kind].get(name) != then
    )
    return Reproduction(verdict, same, told, distance, limit, worst, changed)


def _fitted(study: Study, theory: Theory, manifest: Any, say: Callable[[str], None]) -> Any:
    sampling = Sampling(**manifest["settings"])
    return fit(study, theory, seed=manifest["seed"]["fit"], sampling=sampling, progress=say)


def _tracked(folder: Path, manifest: Any, say: Callable[[str], None]) -> Track:
    """Return the track of a folder, made in one go; updates give the same bits as one pass."""
    say("track")
    study, theory = read_parts(folder, manifest)
    seed, particles = manifest["seed"]["fit"], manifest["settings"]["particles"]
    start = manifest.get("start")
    if start is None:
        return track_all(study, theory, particles=particles, seed=seed, progress=say)
    early = load_study(folder / "study", as_of=start["as_of"])
    posterior = _fitted(early, theory, start, say)
    return advance(from_posterior(posterior, particles, seed), study, progress=say)


def monte_carlo_distance(one: Any, two: Any) -> tuple[float, float, str]:
    """Return how far two posteriors lie apart, in standard errors of their Monte-Carlo means.

    Parameters
    ----------
    one, two
        DataTrees with a ``posterior`` of the same variables.

    Returns
    -------
    distance
        Largest ``|mean - mean| / sqrt(mcse^2 + mcse^2)`` over all quantities.
    limit
        What it stays below with probability 0.999 when both estimate the same (Bonferroni over
        all quantities).
    worst
        Name of the quantity with that distance.

    Raises
    ------
    ValueError
        The variables differ.
    """
    import arviz as az
    from scipy.stats import norm

    a, b = one["posterior"].to_dataset(), two["posterior"].to_dataset()
    if set(a.data_vars) != set(b.data_vars):
        raise ValueError("the two posteriors hold other variables")
    error_a, error_b = az.mcse(a, method="mean"), az.mcse(b, method="mean")
    worst, where, count = 0.0, "", 0
    for name in a.data_vars:
        gap = np.abs(np.asarray(a[name].mean(("chain", "draw")) - b[name].mean(("chain", "draw"))))
        error = np.sqrt(np.asarray(error_a[name]) ** 2 + np.asarray(error_b[name]) ** 2)
        # A quantity that never varies has no error: it must be equal.
        ratio = np.where(
            error > 0, gap / np.where(error > 0, error, 1.0), np.where(gap > 0, np.inf, 0)
        )
        count += ratio.size
        if ratio.size and ratio.max() > worst:
            worst, where = float(ratio.max()), str(name)
    return worst, float(norm.isf(FAMILY_ERROR / (2 * max(count, 1)))), where
