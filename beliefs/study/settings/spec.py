"""What a `study.toml` may say: one frozen model per table, unknown keys refused.

The models check shapes and types of single values. References between tables (a side that is not
declared, a rule that does not exist) are checked in `beliefs.study.settings.speccheck`, and
reading the
file, with line numbers in every message, is `beliefs.study.settings.specfile`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from beliefs.study.settings import spec_conduct as conduct
from beliefs.study.settings.specbase import Confidence, Day, Density, Id, SpecTable, Text

__all__ = [
    "MAX_PERIODS",
    "Channel",
    "ChannelSeries",
    "Crack",
    "Indicator",
    "Kinds",
    "Memory",
    "Period",
    "Quiet",
    "Regime",
    "ShockSpec",
    "Side",
    "StudySpec",
    "TalkRule",
    "TalksRule",
]

MAX_PERIODS = 20_000
"""Longest study: 54 years of days. Longer ones are almost always a mistyped year."""

Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
RunLength = Annotated[int, Field(ge=1, le=1000)]
RegimeKind = Literal["none", "talks", "truce", "war"]
Rung = Literal["open_war", "friction", "truce", "negative_peace", "positive_peace"]


class Period(SpecTable):
    """The stretch of time that is modelled, cut into days or weeks.

    `first_end` is where a study ended before new rows moved its `end` on; priors keep to it.
    """

    start: Day
    end: Day
    step: Literal["day", "week"]
    first_end: Day | None = None

    @property
    def step_days(self) -> int:
        """Length of one period in days: 1 or 7."""
        return 1 if self.step == "day" else 7

    @property
    def n_periods(self) -> int:
        """Number of whole periods; days left over at the end belong to none."""
        return ((self.end - self.start).days + 1) // self.step_days

    @property
    def n_planned(self) -> int:
        """Number of whole periods up to `first_end`, all without one."""
        return (((self.first_end or self.end) - self.start).days + 1) // self.step_days


class Side(SpecTable):
    """One of the two sides and the event initiators that stand for it."""

    id: Id
    name: Text
    framework: Id
    endurance: bool = False
    actors: Annotated[tuple[Id, ...], Field(min_length=1)]
    forces: Annotated[tuple[Id, ...], Field(min_length=1)]


class Indicator(SpecTable):
    """A series that a side reads: how it is counted, transformed and what a rise means."""

    id: Id
    label: Text
    unit: Text
    source: Literal["series", "events"] = "series"
    transform: Literal["identity", "log", "diff", "logit", "count"]
    aggregate: Literal["last", "mean", "sum"] = "last"
    publication_lag: Annotated[int, Field(ge=0, le=3660)] = 0
    expectation: Literal["mean", "walk"] = "mean"
    halflife: Annotated[float, Field(gt=0, le=10_000)]
    direction: dict[Id, Literal[-1, 1]] = Field(default_factory=dict)
    own: tuple[Id, ...] = ()
    seen_by: tuple[Id, ...]
    split_by_regime: bool = False
    cost: tuple[Id, ...] = ()
    cost_sign: Literal[-1, 1] = 1
    resets: tuple[Day, ...] = ()
    max_age: Annotated[int, Field(ge=0, le=10_000)] = 10
    initiator: tuple[Id, ...] = ()
    target: tuple[Id, ...] = ()
    kinds: tuple[Id, ...] = ()
    zone: tuple[Id, ...] = ()
    measure: Literal["severity", "count"] | None = None
    coverage: Annotated[tuple[Density, ...], Field(min_length=1)] = ("dense",)


class ChannelSeries(SpecTable):
    """A series that is itself a reading of one side's belief, such as a war-time money price."""

    side: Id
    indicator: Id
    transform: Literal["logit_share"] = "logit_share"
    scale: Annotated[float, Field(gt=0, le=1e15)] = 1.0
    invert: bool = False


class Channel(SpecTable):
    """A way in which confidence shows; channels are listed in order of increasing noise."""

    id: Id
    bias: Literal["anchor", "private", "public"]
    source: Literal["events", "series"] = "events"
    series: tuple[ChannelSeries, ...] = ()


class Crack(SpecTable):
    """When a belief counts as cracked: below `threshold` for `periods` periods in a row."""

    threshold: Probability = 0.5
    periods: RunLength = 3
    grid_thresholds: Annotated[tuple[Probability, ...], Field(min_length=1)] = (0.3, 0.4, 0.5)
    grid_periods: Annotated[tuple[RunLength, ...], Field(min_length=1)] = (1, 3, 7)


class TalkRule(SpecTable):
    """A machine-readable answer to "were talks held": formats, labels, least confidence."""

    id: Id
    formats: Annotated[
        tuple[Literal["direct", "us_present", "indirect", "none"], ...], Field(min_length=1)
    ]
    labels: Annotated[
        tuple[
            Literal[
                "talks",
                "expert_talks",
                "back_channel",
                "contact",
                "deal",
                "offer",
                "cancelled",
                "ceasefire",
                "other",
            ],
            ...,
        ],
        Field(min_length=1),
    ]
    min_confidence: Confidence = "low"


class TalksRule(SpecTable):
    """All label rules for talks and the name of the headline one."""

    headline: Id
    rules: Annotated[tuple[TalkRule, ...], Field(min_length=1, max_length=20)]


class Quiet(SpecTable):
    """A period is quiet when no event reaches `min_severity`, where coverage lets one say so."""

    min_severity: Annotated[float, Field(ge=1, le=5)] = 3.0
    coverage: Annotated[tuple[Density, ...], Field(min_length=1)] = ("dense",)


class Kinds(SpecTable):
    """A set of event kinds, counted where coverage lets one say that there was none."""

    kinds: Annotated[tuple[Id, ...], Field(min_length=1)]
    coverage: Annotated[tuple[Density, ...], Field(min_length=1)] = ("dense",)


class Memory(SpecTable):
    """A set of event kinds whose effect fades with `memory` periods."""

    kinds: Annotated[tuple[Id, ...], Field(min_length=1)]
    memory: Annotated[float, Field(gt=0, le=10_000)]


class Regime(SpecTable):
    """A spell of war, truce or talks. `end` is its last day; None means it is still running."""

    id: Id
    kind: RegimeKind
    start: Day
    end: Day | None = None
    label: Text
    after: Id | None = None
    published_at: Day
    rung: Rung | None = None


class ShockSpec(SpecTable):
    """A declared date at which a belief may jump."""

    id: Id
    date: Day
    published_at: Day
    kind: Literal["turnover", "escalation", "economic"]
    side: Id | None = None
    label: Text


_HARDLINE = ("threat", "ultimatum", "hardline_statement", "victory_claim")
_PERSIST = (
    "strike",
    "missile_drone_attack",
    "blockade",
    "closure",
    "seizure",
    "rejection",
    "hardline_statement",
    "threat",
    "ultimatum",
    "mobilisation",
    "deployment",
)


class StudySpec(SpecTable):
    """A whole `study.toml`."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Text
    summary: Text
    hindcast: bool
    period: Period
    sides: Annotated[tuple[Side, ...], Field(min_length=2, max_length=2)]
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1, max_length=200)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=8)]
    crack: Crack = Crack()
    talks_rule: TalksRule
    quiet: Quiet = Quiet()
    hardline: Kinds = Kinds(kinds=_HARDLINE)
    persist: Kinds = Kinds(kinds=_PERSIST)
    mediator: Memory = Memory(kinds=("mediation",), memory=7.0)
    waiver: Memory = Memory(kinds=("sanctions_relief", "prisoner_or_humanitarian"), memory=30.0)
    regimes: Annotated[tuple[Regime, ...], Field(max_length=1000)] = ()
    shocks: Annotated[tuple[ShockSpec, ...], Field(max_length=200)] = ()
    strikes: conduct.Strikes | None = None
    truce: conduct.Truce | None = None
    redlines: conduct.RedLines | None = None
    offers: conduct.Offers | None = None
    sanctions: conduct.Sanctions | None = None
    agreements: conduct.Agreements | None = None
    excluded: conduct.Excluded | None = None
    periphery: conduct.Periphery | None = None
    zones: conduct.Zones | None = None
    maritime: conduct.Maritime | None = None
    hinge: conduct.Hinge | None = None
    pressure: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    power_shift: conduct.PowerShift | None = None
    proxy: conduct.Proxy | None = None
    forecast: conduct.Origins | None = None
    safeguards: Annotated[tuple[conduct.Safeguard, ...], Field(max_length=200)] = ()
    concessions: Annotated[tuple[conduct.Concession, ...], Field(max_length=20)] = ()
    spoilers: Annotated[tuple[conduct.Spoiler, ...], Field(max_length=1000)] = ()

    @property
    def side_ids(self) -> tuple[str, str]:
        """Ids of the two sides, in file order."""
        return (self.sides[0].id, self.sides[1].id)
