"""The forecast as one document: what is computed, written, checked and registered in a ledger."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from beliefs.features.talks import LeftOut
from beliefs.forecasting.targets import CAUSES, TARGETS

FORMAT: Final = 3
"""Of the document. In the first, targets of action stood apart, under ``settlement``."""

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Six = PlainSerializer(lambda value: round(value, 6), return_type=float, when_used="json")
Number = Annotated[float, _Six]
Share = Annotated[float, Field(ge=0.0, le=1.0), _Six]


class Part(BaseModel):
    """A part of a document: nothing is converted, nothing is added, nothing is infinite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Probability(Part):
    """One forecast probability.

    Attributes
    ----------
    target, side
        What, and whose (None when it belongs to no side).
    by
        Last day of the window.
    p, mcse
        Probability and its Monte-Carlo standard error.
    base_rate, base_rate_source
        Baseline and where it comes from: the base-rate theory, or the prior alone. None where there
        is no baseline under the same condition; the source then says why.
    prior_dominated
        True when scaling the prior moves `p` more than scaling the likelihood does.
    prior_data_conflict
        True when both move `p`, in opposite directions: other widths of the priors may give
        another number.
    at_origin
        Share of draws in which the event has already happened at the origin. 1 for talks that are
        known to have been held between the origin and the as-of date.
    threshold, periods
        Crack rule used, where it applies.
    given
        Condition in words, or None. Every number but the base rate of talks is under it.
    rule
        Which extensions count, where it applies.
    """

    target: str = Field(json_schema_extra={"enum": list(TARGETS)})
    side: str | None
    by: dt.date
    p: Share
    mcse: Annotated[Number, Field(ge=0.0)]
    base_rate: Share | None
    base_rate_source: str
    prior_dominated: bool
    prior_data_conflict: bool = False
    at_origin: Share
    threshold: float | None
    periods: int | None
    given: str | None = None
    rule: str | None = None

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.target not in TARGETS:
            raise ValueError(f"no target {self.target}; there are {', '.join(TARGETS)}")
        if self.rule not in (None, *TARGETS[self.target].rules):
            raise ValueError(f"{self.target} has no rule {self.rule}")
        return self

    @property
    def name(self) -> str:
        """Target and rule in one word."""
        return self.target if self.rule is None else f"{self.target}_{self.rule}"


class Seeds(Part):
    """Seeds of fit and of futures."""

    fit: int
    forecast: int


class Convergence(Part):
    """Whether the posterior passed; of particles R-hat, divergences and E-BFMI say nothing."""

    passed: bool
    r_hat: float
    ess: float
    worst: str
    divergent_share: float
    e_bfmi: float
    failures: tuple[str, ...]
    kind: Literal["chains", "particles"] = "chains"
    pareto_k: float | None = None


class SideBelief(Part):
    """Belief of a side, at the origin, that it prevails: mean and interval."""

    side: str
    mean: Share
    lower: Share
    upper: Share


class Ending(Part):
    """Cumulative incidence of a first end of the truce in force, by competing cause."""

    cause: str = Field(json_schema_extra={"enum": list(CAUSES)})
    by: dt.date
    p: Share
    base_rate: Share


class ReversedWeight(Part):
    """A weight off a side's own scorecard with the other sign than the study declares."""

    term: str
    mean: Number
    p_other_sign: Share


class Reference(Part):
    """The base rate of a reference class for something that is not modelled."""

    target: str
    by: dt.date
    base_rate: Share
    base_rate_source: str


class Document(Part):
    """A forecast: ``forecast.json``, a contract with scripts.

    Timings and versions are left to the manifest, so that the same seed gives the same document.
    """

    format: Literal[3]
    study: str
    as_of: dt.date
    origin: dt.date  # last day the posterior has seen
    left_out: LeftOut | None = None  # days after it, up to the as-of date
    study_sha256: Hash
    theory: str
    theory_sha256: Hash
    hindcast: bool  # whether the analyst knew how the case went on
    seed: Seeds
    convergence: Convergence
    allowed_failed: bool  # whether a forecast was made though a convergence check failed
    interventions: tuple[str, ...]
    interval: float  # share that the intervals of `belief` hold
    belief: tuple[SideBelief, ...]  # of both sides, for a theory with beliefs
    targets: Annotated[tuple[Probability, ...], Field(min_length=1)]  # by windows
    crack_grid: tuple[Probability, ...]  # cracks by other rules
    reference: tuple[Reference, ...]
    endings: tuple[Ending, ...] = ()
    notes: tuple[str, ...] = ()  # what-ifs that change nothing under the theory
    reversed_weights: tuple[ReversedWeight, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON; parts that were not given are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @classmethod
    def read(cls, text: str | bytes) -> Document:
        """Read ``forecast.json``; raises `pydantic.ValidationError`."""
        return cls.model_validate_json(text)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema (draft 2020-12) of the document."""
        return cls.model_json_schema(by_alias=True)
