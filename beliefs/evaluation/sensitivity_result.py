"""What forecasts owe to priors and crack rule: the records that say so."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.contraction import Contracted
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import happened_by
from beliefs.inference.posterior import Posterior
from beliefs.inference.sensitivity import Power

__all__ = ["ALL", "Asked", "Point", "Row", "Sensitivity"]

Floats = NDArray[np.float64]

ALL = "all priors"
"""The part that stands for every mechanism together."""


@dataclass(frozen=True)
class Asked:
    """A probability that is asked for; `threshold` and `periods` None where no crack rule applies.

    Attributes
    ----------
    target, side, by
        As in `beliefs.forecasting.probability.probability`.
    threshold, periods
        Belief p* below which a side has cracked, and for how many periods d in a row.
    own
        Whether this is the study's own rule.
    """

    target: str
    side: str | None
    by: dt.date
    threshold: float | None
    periods: int | None
    own: bool

    def happened(self, told: Forecast) -> Floats:
        """Return in which futures it has happened, (sample,)."""
        steps = told.step_of(self.by)
        rule = {"threshold": self.threshold, "periods": self.periods}
        return happened_by(told, self.target, steps, self.side, **rule).astype(float)


@dataclass(frozen=True)
class Row:
    """What is forecast, and what moves it.

    Attributes
    ----------
    asked
        The probability.
    p, mcse
        Its value with the priors as they are, and the Monte-Carlo error.
    powers
        Change per doubling of the power of prior and likelihood, by part of the model, see
        `beliefs.forecasting.probability.powers_of`; none under another crack rule than the study's.
    """

    asked: Asked
    p: float
    mcse: float
    powers: tuple[Power, ...]


@dataclass(frozen=True, eq=False)
class Point:
    """All probabilities with the priors of one part wider or narrower.

    Attributes
    ----------
    part
        A mechanism, or `ALL`.
    scale
        Factor of the width of its priors.
    parameters
        Names of the parameters whose priors were scaled.
    pareto_k
        Of the importance weights of the draws at hand.
    method
        ``reweighted``, or ``tracked`` where the weights cannot be relied on.
    gate
        Whether what was tracked passed its gate; True where draws were reweighted.
    p
        Probabilities, in the order of the rows.
    error
        Monte-Carlo errors of their changes.
    """

    part: str
    scale: float
    parameters: tuple[str, ...]
    pareto_k: float
    method: str
    gate: bool
    p: Floats
    error: Floats


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What forecasts owe to priors and crack rule.

    Attributes
    ----------
    posterior
        What the forecasts are from.
    horizon, seed
        Of the forecasts.
    rows
        Every probability, that of other crack rules too.
    points
        The same with other widths of priors.
    contraction
        What the data taught of every parameter.
    """

    posterior: Posterior
    horizon: int
    seed: int
    rows: tuple[Row, ...]
    points: tuple[Point, ...]
    contraction: tuple[Contracted, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        found = self.posterior
        return {
            "study": found.study.spec.name,
            "study_sha256": found.study.sha256,
            "as_of": str(found.study.as_of),
            "theory": found.theory.name,
            "theory_sha256": found.theory.sha256,
            "seed": {"fit": found.seed, "forecast": self.seed},
            "gate": found.report.as_dict(),
            "probabilities": [
                _named(row.asked)
                | {"p": round(row.p, 4), "mcse": round(row.mcse, 4)}
                | _powers(row.powers)
                for row in self.rows
            ],
            "scales": [
                {
                    "part": point.part,
                    "scale": point.scale,
                    "parameters": list(point.parameters),
                    "pareto_k": round(point.pareto_k, 2) if np.isfinite(point.pareto_k) else None,
                    "method": point.method,
                    "gate_passed": point.gate,
                    "p": [round(float(v), 4) for v in point.p],
                    "error_of_change": [round(float(v), 4) for v in point.error],
                }
                for point in self.points
            ],
            "contraction": [row.as_dict() for row in self.contraction],
        }


def _named(asked: Asked) -> dict[str, Any]:
    return {
        "target": asked.target,
        "side": asked.side,
        "by": asked.by.isoformat(),
        "threshold": asked.threshold,
        "periods": asked.periods,
        "own_rule": asked.own,
    }


def _powers(powers: tuple[Power, ...]) -> dict[str, Any]:
    if not powers:
        return {}
    power = powers[0]
    return {
        "power_prior": round(power.prior, 4),
        "power_likelihood": round(power.likelihood, 4),
        "prior_dominated": power.prior_dominated,
        "prior_data_conflict": any(p.prior_data_conflict for p in powers),
    }
