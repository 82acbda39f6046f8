"""What a `study.toml` may say about conduct: acts, truces, offers, agreements, third parties.

Every table is optional. Without it, what it would let one observe is not observed: the columns of
`beliefs.features.observed.Observed` that need it are zero, and their masks are False.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from beliefs.study.settings.specbase import Confidence, Day, Density, Id, Severity, SpecTable

__all__ = [
    "Agreements",
    "Concession",
    "Excluded",
    "Hinge",
    "Maritime",
    "Offers",
    "Origins",
    "Periphery",
    "PowerShift",
    "Proxy",
    "RedLines",
    "Safeguard",
    "Sanctions",
    "Spoiler",
    "Strikes",
    "Truce",
    "Zones",
]

Coverage = Annotated[tuple[Density, ...], Field(min_length=1)]
Ids = Annotated[tuple[Id, ...], Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=1000)]


class Strikes(SpecTable):
    """Which acts of force are counted, and under which coverage a zero is a real zero."""

    min_severity: Severity = 1.0
    coverage: Coverage = ("dense",)


class Truce(SpecTable):
    """What breaks a truce, and the days that count at its beginning and before its deadline."""

    breach_severity: Severity = 2.0
    coverage: Coverage = ("dense",)
    last_days: Days = 3
    quiet_days: Days = 4


class RedLines(SpecTable):
    """Declared lines, each with the severity from which touching it is crossing it."""

    lines: Annotated[dict[Id, Severity], Field(min_length=1)]
    coverage: Coverage = ("dense",)


class Offers(SpecTable):
    """Kinds of acts by which a side concedes something, recorded where coverage allows."""

    made: Ids
    coverage: Coverage = ("dense",)


class Sanctions(SpecTable):
    """Where the absence of a sanction is an absence."""

    coverage: Coverage = ("dense",)


class Agreements(SpecTable):
    """Where the absence of a row of ``agreements.csv`` is an absence."""

    coverage: Coverage = ("dense", "headline")


class Excluded(SpecTable):
    """Powers that fight but are no party to the talks."""

    actors: Ids


class Periphery(SpecTable):
    """Zones that lie outside the main theatre."""

    zones: Ids


class Zones(SpecTable):
    """Zones whose acts are counted apart."""

    watched: Annotated[tuple[Id, ...], Field(min_length=1, max_length=20)]


class Maritime(SpecTable):
    """What makes a diplomatic act one about the sea: its zone or the red line it touches."""

    zones: tuple[Id, ...] = ()
    red_lines: tuple[Id, ...] = ()


class Hinge(SpecTable):
    """An indicator past whose level, in standard deviations of its year, costs turn."""

    indicator: Id
    level: Annotated[float, Field(ge=-4, le=4)]


class PowerShift(SpecTable):
    """What tells that power is about to shift: a series, or kinds of acts fading with `memory`."""

    indicator: Id | None = None
    kinds: tuple[Id, ...] = ()
    memory: Annotated[float, Field(gt=0, le=10_000)] | None = None


class Proxy(SpecTable):
    """The side whose allies may attack while it keeps a truce."""

    side: Id


class Origins(SpecTable):
    """Days from which forecasts are scored, and how far they look."""

    origins: Annotated[tuple[Day, ...], Field(min_length=1, max_length=1000)]
    horizon_days: Days = 60


class Safeguard(SpecTable):
    """A hotline, a deconfliction cell or a rule for zones. `end` None means it is in force."""

    id: Id
    kind: Literal["hotline", "cell", "zone"]
    zones: tuple[Id, ...] = ()
    start: Day
    end: Day | None = None
    published_at: Day
    confidence: Confidence = "high"


class Concession(SpecTable):
    """A named concession that a truce rests on: acts by which its side breaks it."""

    id: Id
    side: Id
    initiator: Ids
    kinds: Ids
    target: tuple[Id, ...] = ()
    red_line: tuple[Id, ...] = ()


class Spoiler(SpecTable):
    """When an act that nobody owned to was attributed."""

    event: Annotated[str, Field(min_length=1, max_length=60)]
    attributed_at: Day
