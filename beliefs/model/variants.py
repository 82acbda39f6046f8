"""Theories with other priors: those that claims are judged under, and wider or narrower ones.

A claim that a prior already grants cannot be contradicted by data. ``data/judging.toml`` frees the
parameters that claims are about and gives those with a presumed sign a prior of either sign.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from beliefs.errors import StudyError
from beliefs.model.distributions import Prior
from beliefs.model.priors import check_priors
from beliefs.model.structure import Structure
from beliefs.model.theory import (
    BARE,
    Theory,
    all_declared,
    bundled_theories,
    conduct_parameters,
    free_parameters,
    load_theory,
    read_toml,
    unknown,
    with_infinities,
    wrong_type,
)
from beliefs.study.bundled import data_folder

__all__ = ["judged", "mechanisms_of", "scaled", "scaled_prior"]

_KEYS = ("free", "priors")


def judged(theory_name: str, path: str | Path | None = None) -> Theory:
    """Return a bundled theory with the priors that its claims are judged under.

    Parameters
    ----------
    theory_name
        Name or id of a bundled theory.
    path
        The file that says what changes; that of the package when None.

    Returns
    -------
    Theory
        With ``J`` after its id and ``_judged`` after its name. A theory of which the file says
        nothing is returned as it is.

    Raises
    ------
    StudyError
        No such theory; the file names an unknown theory, key or parameter, frees a parameter that
        the theory does not hold neutral, or has a prior that is none.
    """
    file = data_folder() / "judging.toml" if path is None else Path(path)
    table = read_toml(file)
    for name in table:
        if name not in bundled_theories():
            raise unknown("theory", name, str(file), list(bundled_theories()))
    theory = load_theory(theory_name)
    if theory.name not in table:
        return theory
    return _changed(theory, table[theory.name], f"{file}: {theory.name}")


def _changed(theory: Theory, raw: Any, where: str) -> Theory:
    if not isinstance(raw, dict):
        raise wrong_type(theory.name, raw, where, "a table with free and priors")
    for key in raw:
        if key not in _KEYS:
            raise unknown("key", key, where, list(_KEYS))
    freed = raw.get("free", [])
    if not (isinstance(freed, list) and all(isinstance(v, str) for v in freed)):
        raise wrong_type("free", freed, where, 'a list of names such as ["shared"]')
    known = all_declared(BARE)
    for name in freed:
        if name not in known:
            raise unknown("parameter", name, f"{where}: free", sorted(known))
        if known[name][0] not in theory.mechanisms or theory.frees(known[name][0], name):
            raise StudyError(
                "only a parameter that the theory holds neutral can be freed",
                where=f"{where}: free",
                found=f"{name}, of the mechanism {known[name][0]}",
                expected=f"parameters of {theory.name} whose mechanism is on and which are neutral",
                mend="remove the name, or change the theory",
            )
    priors = with_infinities(raw.get("priors", {}))
    check_priors(priors, known, where, widen=True)
    return replace(
        theory,
        id=f"{theory.id}J",
        name=f"{theory.name}_judged",
        neutral=tuple(name for name in theory.neutral if name not in freed),
        free=None if theory.free is None else (*theory.free, *freed),
        priors={**theory.priors, **priors},
    )


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
