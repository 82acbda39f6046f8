"""What a `study.toml` may say: one frozen model per table, unknown keys refused.

The models check single values; `Ref` marks names that must stand elsewhere. `specfile` reads the
file, checks references and contradictions, and gives line numbers in every message.

Tables about actions are optional. What one would let one observe is unobserved without it: the
columns of `beliefs.features.inputs.Observed` that need it are zero, their masks False.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from beliefs.study.dates import MONTH, Fault, Grid, read_day
from beliefs.study.tables import codebook
from beliefs.study.tables.codebook import Confidence, ConflictPhase, Density, RegimeKind

MAX_PERIODS = 20_000
"""Longest study: 54 years of days. Longer ones are almost always a mistyped year."""


Day = Annotated[dt.date, BeforeValidator(read_day)]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Ids = Annotated[tuple[Id, ...], Field(min_length=1)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Severity = Annotated[float, Field(ge=1, le=5)]
Coverage = Annotated[tuple[Density, ...], Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=1000)]
Fading = Annotated[float, Field(gt=0, le=10_000)]
Probability = Annotated[float, Field(gt=0.0, lt=1.0)]
RunLength = Annotated[int, Field(ge=1, le=1000)]


STEPS = {"day": 1, "week": 7, "month": MONTH}


def read_step(value: object) -> str | int:
    """Return what a period is: a word, or a number of days."""
    if (isinstance(value, str) and value in STEPS) or (type(value) is int and 1 <= value <= 366):
        return value
    expected = '"day", "week", "month", or a number of days from 1 to 366'
    raise Fault("this is no length of a period", expected, "choose one of these")


def usual_halflife(step_days: float) -> float:
    """Return the half-life of an expectation in periods: 14 days, or eight weeks of longer ones."""
    return 14.0 if step_days == 1 else 56.0 / step_days


@dataclass(frozen=True)
class Ref:
    """Marks a name, or names, that must be one of those that `noun` stands for."""

    noun: str


SideNames = Annotated[tuple[Id, ...], Ref("side")]
PartyNames = Annotated[tuple[Id, ...], Ref("party")]
KindNames = Annotated[tuple[Id, ...], Ref("event kind")]
ZoneNames = Annotated[tuple[Id, ...], Ref("zone")]


class SpecTable(BaseModel):
    """Common rules: immutable, no unknown key, no silent conversion of types, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Codebook(SpecTable):
    """Words of this study beside those of `beliefs.study.tables.codebook`.

    Where zones are declared, no others may be used, but for `other`. Kinds in `kinetic` use force,
    so that their rows need a severity; those in `kinds` do not.
    """

    actors: tuple[Id, ...] = ()
    formats: tuple[Id, ...] = ()
    zones: tuple[Id, ...] = ()
    kinds: tuple[Id, ...] = ()
    kinetic: tuple[Id, ...] = ()


class Reference(SpecTable):
    """What this conflict has in common with those of a reference class (`data/pooled`).

    `talks` gives covariates of first talks in interstate wars, 0 where one is left out.
    """

    talks: dict[Id, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)


class Period(SpecTable):
    """The stretch of time that is modelled, cut into days, weeks, months or so many days.

    `first_end` is where a study ended before new rows moved its `end` on; priors keep to it.
    """

    start: Day
    end: Day
    step: Annotated[str | int, BeforeValidator(read_step)]
    first_end: Day | None = None

    @property
    def step_days(self) -> float:
        """Length of one period in days, of a month in the mean."""
        return STEPS[self.step] if isinstance(self.step, str) else self.step

    @property
    def unit(self) -> str:
        """What a period is called."""
        return self.step if isinstance(self.step, str) else f"{self.step} days"

    def whole(self, end: dt.date) -> int:
        """Return the number of whole periods up to a day; days left over belong to none."""
        grid, after = Grid(np.datetime64(self.start, "D"), self.step_days, 0), end + dt.timedelta(1)
        return int(grid.index(np.datetime64(after, "D")))

    @property
    def grid(self) -> Grid:
        """The whole periods."""
        return Grid(np.datetime64(self.start, "D"), self.step_days, self.whole(self.end))


class Side(SpecTable):
    """One of the two sides and the event initiators that stand for it."""

    id: Id
    name: Text
    framework: Id
    endurance: bool = False
    actors: Annotated[Ids, Ref("party")]
    forces: Annotated[Ids, Ref("party")]


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
    direction: Annotated[dict[Id, Literal[-1, 1]], Ref("side")] = Field(default_factory=dict)
    own: SideNames = ()
    seen_by: SideNames
    split_by_regime: bool = False
    cost: SideNames = ()
    cost_sign: Literal[-1, 1] = 1
    resets: tuple[Day, ...] = ()
    max_age: Annotated[int, Field(ge=0, le=10_000)] = 10
    initiator: PartyNames = ()
    target: PartyNames = ()
    kinds: KindNames = ()
    zone: ZoneNames = ()
    measure: Literal["severity", "count"] | None = None
    coverage: Coverage = ("dense",)


class ChannelSeries(SpecTable):
    """A series that is itself a reading of one side's belief, such as a war-time money price."""

    side: Annotated[Id, Ref("side")]
    indicator: Annotated[Id, Ref("series indicator")]
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
    formats: Annotated[Ids, Ref("format of talks")]
    labels: Annotated[Ids, Ref("label of talks")]
    min_confidence: Confidence = "low"


class TalksRule(SpecTable):
    """All label rules for talks and the name of the headline one.

    A round goes on through up to `recess` days without a meeting. `coverage` says where no talks
    recorded means none; elsewhere a period neither teaches of talks nor is scored.
    """

    headline: Annotated[Id, Ref("label rule")]
    rules: Annotated[tuple[TalkRule, ...], Field(min_length=1, max_length=20)]
    recess: Annotated[int, Field(ge=0, le=366)] = 0
    coverage: Coverage = ("dense", "headline")


class Quiet(SpecTable):
    """A period is quiet when no event reaches `min_severity`, where coverage lets one say so."""

    min_severity: Annotated[float, Field(ge=1, le=5)] = 3.0
    coverage: Coverage = ("dense",)


class Kinds(SpecTable):
    """A set of event kinds, counted where coverage lets one say that there was none."""

    kinds: Annotated[Ids, Ref("event kind")]
    coverage: Coverage = ("dense",)


class Memory(SpecTable):
    """A set of event kinds whose effect fades with `memory` periods."""

    kinds: Annotated[Ids, Ref("event kind")]
    memory: Fading


class Regime(SpecTable):
    """A spell of war, truce or talks. `end` is its last day; None means it is still running."""

    id: Id
    kind: RegimeKind
    start: Day
    end: Day | None = None
    label: Text
    after: Annotated[Id | None, Ref("regime")] = None
    published_at: Day = Field(default_factory=lambda row: row["start"])
    conflict_phase: ConflictPhase | None = None


class ShockSpec(SpecTable):
    """A declared date at which a belief may jump."""

    id: Id
    date: Day
    published_at: Day = Field(default_factory=lambda row: row["date"])
    kind: Literal["turnover", "escalation", "economic"]
    side: Annotated[Id | None, Ref("side")] = None
    label: Text


_HARDLINE = ("threat", "ultimatum", "hardline_statement", "victory_claim")
_PERSIST = (
    "strike", "missile_drone_attack", "blockade", "closure", "seizure", "rejection",
    "hardline_statement", "threat", "ultimatum", "mobilisation", "deployment",
)  # fmt: skip


class Strikes(SpecTable):
    """Which actions of force are counted, and under which coverage a zero is a real zero."""

    min_severity: Severity = 1.0
    coverage: Coverage = ("dense",)


class Truce(SpecTable):
    """What breaks a truce, and the days that count at its beginning and before its deadline.

    `coverage` says where breaches are recorded, `ends` where ends are; as `coverage` when None.
    """

    breach_severity: Severity = 2.0
    coverage: Coverage = ("dense",)
    ends: Coverage | None = None
    last_days: Days = 3
    quiet_days: Days = 4


class RedLines(SpecTable):
    """Declared lines, each with the severity from which touching it is crossing it."""

    lines: Annotated[dict[Id, Severity], Field(min_length=1)]
    coverage: Coverage = ("dense",)


class Offers(SpecTable):
    """Kinds of actions by which a side concedes something, recorded where coverage allows."""

    made: Annotated[Ids, Ref("event kind")]
    coverage: Coverage = ("dense",)


class Sanctions(SpecTable):
    """Where the absence of a sanction is one, and who imposes any with the coercing side."""

    initiator: PartyNames = ()
    coverage: Coverage = ("dense",)


class Agreements(SpecTable):
    """Where the absence of a row of ``agreements.csv`` is an absence."""

    coverage: Coverage = ("dense", "headline")


class Excluded(SpecTable):
    """Powers that fight but are no party to the talks."""

    actors: Annotated[Ids, Ref("party")]


class Periphery(SpecTable):
    """Zones that lie outside the main theatre."""

    zones: Annotated[Ids, Ref("zone")]


class Zones(SpecTable):
    """Zones whose actions are counted apart."""

    watched: Annotated[tuple[Id, ...], Field(min_length=1, max_length=20), Ref("zone")]


class Agenda(SpecTable):
    """A matter whose share of diplomatic actions is followed: their zones, or lines they touch."""

    zones: ZoneNames = ()
    red_lines: tuple[Id, ...] = ()


class Hinge(SpecTable):
    """An indicator past whose level, in standard deviations of its year, costs turn."""

    indicator: Annotated[Id, Ref("indicator")]
    level: Annotated[float, Field(ge=-4, le=4)]


class PowerShift(SpecTable):
    """What tells that power may shift: a series, or kinds of actions fading with `memory`."""

    indicator: Annotated[Id | None, Ref("indicator")] = None
    kinds: KindNames = ()
    memory: Fading | None = None


class Proxy(SpecTable):
    """The side whose allies may attack while it keeps a truce."""

    side: Annotated[Id, Ref("side")]


class Origins(SpecTable):
    """Days from which forecasts are scored, and how far they look."""

    origins: Annotated[tuple[Day, ...], Field(min_length=1, max_length=1000)]
    horizon_days: Days = 60


class Safeguard(SpecTable):
    """A hotline, a deconfliction cell or a rule for zones. `end` None means it is in force."""

    id: Id
    kind: Literal["hotline", "cell", "zone"]
    zones: Annotated[tuple[Id, ...], Ref("watched zone")] = ()
    start: Day
    end: Day | None = None
    published_at: Day = Field(default_factory=lambda row: row["start"])
    confidence: Confidence = "high"


class Concession(SpecTable):
    """A named concession that a truce rests on: actions by which its side breaks it."""

    id: Id
    side: Annotated[Id, Ref("side")]
    initiator: Annotated[Ids, Ref("party")]
    kinds: Annotated[Ids, Ref("event kind")]
    target: PartyNames = ()
    red_line: tuple[Id, ...] = ()


class Spoiler(SpecTable):
    """When an unclaimed action was attributed."""

    event: Annotated[str, Field(min_length=1, max_length=60)]
    attributed_at: Day


class StudySpec(SpecTable):
    """A whole `study.toml`. `theory` is the one that commands take where none is named."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    title: Text
    summary: Text
    hindcast: bool
    theory: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] | None = None
    period: Period
    codebook: Codebook = Codebook()
    reference: Reference = Reference()
    sides: Annotated[tuple[Side, ...], Field(min_length=2, max_length=2)]
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1, max_length=200)]
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=8)]
    crack: Crack = Crack()
    talks_rule: TalksRule
    quiet: Quiet = Quiet()
    hardline: Kinds = Kinds(kinds=_HARDLINE)
    persist: Kinds = Kinds(kinds=_PERSIST)
    mediator: Memory = Memory(kinds=("mediation",), memory=7.0)
    announced: Memory = Memory(kinds=("talks_announced",), memory=7.0)
    waiver: Memory = Memory(kinds=("sanctions_relief", "prisoner_or_humanitarian"), memory=30.0)
    regimes: Annotated[tuple[Regime, ...], Field(max_length=1000)] = ()
    shocks: Annotated[tuple[ShockSpec, ...], Field(max_length=200)] = ()
    strikes: Strikes | None = None
    truce: Truce | None = None
    redlines: RedLines | None = None
    offers: Offers | None = None
    sanctions: Sanctions | None = None
    agreements: Agreements | None = None
    excluded: Excluded | None = None
    periphery: Periphery | None = None
    zones: Zones | None = None
    agenda: Agenda | None = None
    hinge: Hinge | None = None
    pressure: dict[Id, tuple[Id, ...]] = Field(default_factory=dict)
    power_shift: PowerShift | None = None
    proxy: Proxy | None = None
    forecast: Origins | None = None
    safeguards: Annotated[tuple[Safeguard, ...], Field(max_length=200)] = ()
    concessions: Annotated[tuple[Concession, ...], Field(max_length=20)] = ()
    spoilers: Annotated[tuple[Spoiler, ...], Field(max_length=1000)] = ()

    @property
    def side_ids(self) -> tuple[str, str]:
        """Ids of the two sides, in file order."""
        return (self.sides[0].id, self.sides[1].id)

    @property
    def parties(self) -> tuple[str, ...]:
        """Who can act or be acted upon."""
        return (*self.side_ids, *self.codebook.actors, *codebook.PARTIES)

    @property
    def kinetic(self) -> tuple[str, ...]:
        """Kinds of events that use force."""
        return (*codebook.KINETIC, *self.codebook.kinetic)

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of events."""
        return (*codebook.KINDS, *self.codebook.kinetic, *self.codebook.kinds)

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of talks: those of every study, declared ones, and those that a rule names."""
        named = (name for rule in self.talks_rule.rules for name in rule.formats)
        return tuple(dict.fromkeys((*self.codebook.formats, *codebook.TALK_FORMATS, *named)))

    @property
    def zone_names(self) -> tuple[str, ...]:
        """Zones in which something can happen; () for any."""
        return (*self.codebook.zones, "other") if self.codebook.zones else ()
