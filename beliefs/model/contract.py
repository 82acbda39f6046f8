"""The mechanism contract (C3): declared parameters and pure equations over an array namespace.

A mechanism is a module of `beliefs.model.mechanisms`; a theory switches it on by the module's name.

* ``PARAMETERS``, and ``PLACE``, which orders mechanisms of belief and talks and, apart from them,
  those of actions, in the order in which a period takes them in.
* Equations are pure functions of ``(xp, params, columns, structure, ...)`` where ``xp`` is
  ``numpy`` or ``pytensor.tensor``; columns and structure are those of `beliefs.model.structure`.
  Axis order everywhere ``(..., side | term | channel, time)``; parameters ``(..., dim)``, where
  NumPy ones may lead with draw dimensions.
* Of belief: what ``keep`` of all mechanisms return is multiplied into the retention of belief; what
  ``push`` and ``misread`` return moves it, each (..., side, time); what ``shift`` returns adds to
  the log-odds of talks, (..., time). See `beliefs.model.system`.
* ``FACTORS``, the observables that it explains. Of actions also functions ``log_likelihood`` and
  ``rates``, as `beliefs.model.observation.explained` makes them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Array = Any
Params = Mapping[str, Array]
Names = Collection[str] | None  # of factors, all when None
LEARNT = "symmetric so that the sign is learnt"  # a source of many priors
FARTHEST = 200.0  # products and ratios of exponentials of this are still numbers


@dataclass(frozen=True)
class Parameter:
    """One declared parameter; its name is unique over all mechanisms."""

    name: str
    prior: Any = field(compare=False)  # shared by all elements; or a function of the structure
    unit: str
    source: str  # paper, claim id or 'judgement'
    meaning: str
    dims: tuple[str, ...] = ()  # keys of `Structure.coords`
    null: float = 0.0  # the value that switches its effect off
    # False of what one conflict cannot teach: at null unless a theory has a prior for it.
    on: bool = True


class Seen(NamedTuple):
    """What was seen of a factor.

    `value` and the number of trials `size` are (time,) or (member, time); `where` is 1 where it was
    seen and broadcasts to (..., [member,] time).
    """

    value: Array
    where: Array
    size: Array | None = None


@dataclass(frozen=True)
class Factor:
    """One observable that a mechanism explains: a term of the likelihood.

    `reads` are all parameters that enter: factors with no free one in common are independent. A
    theory that frees none of the first `bases` of them leaves the factor out. Through `couples`
    among them a belief of the period before enters. Every theory explains what is
    `shared`, so that theories can be compared on it.
    `family` (`beliefs.model.observation`) is its distribution given the linear `predictor`,
    (..., [member,] time), of ``(xp, params, columns, structure)``; `seen` picks from the columns.
    Instead of both, `density` may give the log likelihood by period and `rate` what a simulator
    draws from, of ``(params, state, structure)``. In the `block` of ``belief`` there is a `density`
    alone, and it takes the latent paths as well, a `beliefs.model.system.System`.
    """

    name: str
    reads: tuple[str, ...]
    family: str
    predictor: Any = None
    seen: Any = None
    density: Any = None
    rate: Any = None
    couples: tuple[str, ...] = ()
    shared: bool = False
    bases: int = 1
    block: str = "actions"

    @property
    def base(self) -> tuple[str, ...]:
        """The parameters without which the factor says nothing."""
        return self.reads[: self.bases]


def logistic(xp: Any, x: Array) -> Array:
    """Return the logistic function of log-odds, written so that neither tail overflows."""
    return 0.5 * (1.0 + xp.tanh(0.5 * x))


def bounded_exp(xp: Any, x: Array) -> Array:
    """Return the exponential of a log rate, positive and finite however far a draw lies out."""
    return xp.exp(xp.clip(x, -FARTHEST, FARTHEST))
