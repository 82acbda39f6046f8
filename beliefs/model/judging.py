"""Theories as claims are judged under them: priors that do not presume the answer.

A claim that a prior already grants cannot be contradicted by data. ``data/judging.toml`` frees the
parameters that claims are about and gives those with a presumed sign a prior of either sign.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from beliefs.errors import StudyError
from beliefs.model.priors import check_priors
from beliefs.model.theory import (
    BARE,
    Theory,
    all_declared,
    bundled_theories,
    load_theory,
    with_infinities,
)
from beliefs.model.theoryfile import read_toml, unknown, wrong_type
from beliefs.study.bundled import data_folder

__all__ = ["judged"]

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
