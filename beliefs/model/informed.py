"""Priors that a population informs: what earlier conflicts say of a new one.

``data/pooled/populations.json`` has populations of panels (`beliefs panel fit`), each of the
conflicts that had ended by some day. A study is given the latest that lies before its first day, so
that no later conflict informs it, and never its own. Parameters that the conflicts did not teach
keep the priors of the theory.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.model.contract import logistic
from beliefs.model.theory import Theory
from beliefs.study.bundled import data_folder
from beliefs.study.load import Study

ONSET = "onset_base"
PER_WEEK = ("continuation_base", "momentum", "history", "deadlock_shape")
"""Learnt from weeks, and of other meaning in a study of other periods."""


@cache
def load_populations() -> list[dict[str, Any]]:
    """Return what ``populations.json`` holds, the earliest first."""
    text = (data_folder() / "pooled" / "populations.json").read_text(encoding="utf-8")
    return sorted(json.loads(text)["populations"], key=lambda one: str(one["until"]))


def population_for(theory: Theory, study: Study) -> dict[str, Any]:
    """Return the latest population of a theory that ended before a study; a StudyError if none."""
    begun = str(study.spec.period.start)
    known = [one for one in load_populations() if one["theory"] == theory.id]
    found = [one for one in known if one["until"] < begun]
    if not found:
        raise StudyError(
            "no population informs this theory on this study",
            where=f"theory {theory.name}, a study from {begun}",
            found="populations until " + (", ".join(one["until"] for one in known) or "no day"),
            expected="conflicts that had ended before the study begins",
            fix="use the theory's own priors (leave out --prior population)",
        )  # fmt: skip
    return found[-1]


def informed(theory: Theory, study: Study) -> Theory:
    """Return a theory with the priors that earlier conflicts give its parameters in a study.

    Log-odds per week of talks starting become those per period; what was learnt from weeks and
    cannot be put so keeps the theory's prior where periods are no weeks.

    Parameters
    ----------
    theory, study
        From `beliefs.load_theory` and `beliefs.load_study`.

    Returns
    -------
    Theory

    Raises
    ------
    StudyError
        No population of this theory had ended before the study begins.

    Examples
    --------
    >>> sorted(beliefs.informed(beliefs.load_theory("M0"), study).priors)
    ['ageing', 'first_week', 'onset_base']
    """
    weeks = study.spec.period.step_days / 7.0
    found = population_for(theory, study)
    priors = dict(found["priors"])
    if weeks != 1.0:
        for name in PER_WEEK:
            priors.pop(name, None)
        if (onset := priors.get(ONSET)) is not None:
            p = -np.expm1(weeks * np.log1p(-logistic(np, onset["mu"])))
            priors[ONSET] = onset | {"mu": round(float(np.log(p / (1.0 - p))), 3)}
    by = f"{found['conflicts']} conflicts of {found['panel']} that had ended by {found['until']}"
    return replace(
        theory, priors={**theory.priors, **priors}, informed=f"{', '.join(sorted(priors))}: {by}"
    )
