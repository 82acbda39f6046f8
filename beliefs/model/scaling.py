"""A theory with priors wider or narrower than it says, for asking how much they matter."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from beliefs.errors import StudyError
from beliefs.model.distributions import Prior
from beliefs.model.structure import Structure
from beliefs.model.theory import Theory, all_declared, conduct_parameters, free_parameters

__all__ = ["mechanisms_of", "scaled", "scaled_prior"]


def scaled_prior(prior: Prior, factor: float) -> dict[str, Any] | None:
    """Return a prior `factor` times as wide, as a theory file writes it.

    Its density is raised to the power 1 / factor²: mode and bounds stay, and a normal, whole, half
    or truncated, has its ``sigma`` multiplied by `factor`. A flat prior stays flat. Of another
    family with a ``sigma`` that is multiplied too.

    Parameters
    ----------
    prior
        As declared.
    factor
        Above 0.

    Returns
    -------
    dict or None
        None for a family without a ``sigma``, and where no density is left.
    """
    built = prior.built
    family = type(built).__name__
    if family == "Beta":
        counts = {n: 1.0 + (float(getattr(built, n)) - 1.0) / factor**2 for n in ("alpha", "beta")}
        return {"dist": family, **counts} if min(counts.values()) > 0.0 else None
    told = {name: float(getattr(built, name)) for name in built.param_names}
    if "sigma" not in told:
        return None
    told["sigma"] *= factor
    return {"dist": family, **{k: v for k, v in told.items() if not math.isnan(v)}}


def mechanisms_of(theory: Theory, structure: Structure) -> dict[str, tuple[str, ...]]:
    """Return the free parameters of a theory on a study by mechanism, innovations apart."""
    known = all_declared(structure)
    out: dict[str, list[str]] = {}
    for p in (*free_parameters(theory, structure), *conduct_parameters(theory, structure)):
        if p.name != "innovation":
            out.setdefault(known[p.name][0], []).append(p.name)
    return {name: tuple(mine) for name, mine in out.items()}


def scaled(
    theory: Theory, structure: Structure, factor: float, only: Collection[str] | None = None
) -> Theory:
    """Return a theory whose priors are `factor` times as wide.

    Parameters
    ----------
    theory
        Whose priors are widened.
    structure
        Of the study: priors of talks depend on its step.
    factor
        Above 0; 1 leaves all priors as they are.
    only
        Names of the parameters whose priors are widened; all free ones when None.

    Raises
    ------
    StudyError
        The factor is not a number above 0.
    """
    if not (math.isfinite(factor) and factor > 0.0):
        raise StudyError(
            "the priors cannot be scaled",
            where="factor",
            found=str(factor),
            expected="a number above 0",
            mend="0.5 halves the widths, 2 doubles them",
        )
    priors = dict(theory.priors)
    for p in (*free_parameters(theory, structure), *conduct_parameters(theory, structure)):
        if p.name == "innovation" or (only is not None and p.name not in only):
            continue
        wider = scaled_prior(p.prior, factor)
        if wider is not None:
            priors[p.name] = wider
    return replace(theory, priors=priors)
