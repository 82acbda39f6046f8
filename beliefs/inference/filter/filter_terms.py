"""What the filter needs of the equations and beliefs do not enter, some periods at a time.

A period has the same bits alone as among others, so that a filter that goes on one period at a time
gives those of one pass.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beliefs.model import system
from beliefs.model.contract import Params
from beliefs.model.mechanisms import bargaining, belief, domestic, readings, talks
from beliefs.model.structure import Columns, Structure

__all__ = [
    "COLUMNS",
    "WIDTH",
    "Looks",
    "Still",
    "Terms",
    "looks_of",
    "part_columns",
    "still_of",
    "terms_of",
]

WIDTH = 64
"""Periods that a replay evaluates at once: few enough for the processor's cache."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_KINDS = {"anchor": 0, "private": 1, "public": 2}
# The columns that the equations read.
COLUMNS = (
    "evidence", "quiet", "pressure", "rival_persists", "rival_resolve", "hardline", "truce", "cost",
    "mediator", "waiver", "shock", "turnover", "aftermath", "mediator_old", "spell_age", "hinge",
    "power_shift", "proxy_attack", "heavy",
)  # fmt: skip


class Looks(NamedTuple):
    """What was seen: talks by period, readings sorted by period.

    Attributes
    ----------
    held, before, seen
        Talks held, talks in the period before, whether that is known; (T,).
    starts
        Number of the first reading of each period, (T + 1,).
    sides, channels, kinds, values
        Of each reading; kind 0 has no bias, 1 a private and 2 a public one.
    """

    held: Floats
    before: Floats
    seen: Floats
    starts: Ints
    sides: Ints
    channels: Ints
    kinds: Ints
    values: Floats

    def of(self, t: int) -> list[Any]:
        """Return the readings of a period: side, channel and value of each."""
        here = slice(self.starts[t], self.starts[t + 1])
        return [v[here].tolist() for v in (self.sides, self.channels, self.values)]

    @property
    def by_period(self) -> tuple[Floats, ...]:
        """What there is one number of in each period, (T,) each."""
        return self.held, self.before, self.seen


class Still(NamedTuple):
    """Parameters of the filter that do not change with time, by particle."""

    start: Floats
    noise: Floats
    scale: Floats
    private: Floats
    level: Floats
    slope: Floats
    floor: Floats
    effect: Floats
    process: Floats
    crack: Floats


class Terms(NamedTuple):
    """Parts of the equations by particle and period; see `system.movements`.

    Attributes
    ----------
    kept, drift, misread
        (N, 2, width).
    pull, drag, shift
        (N, width).
    mediation
        (N, 2, width): what a transition alone is shifted by, see `talks.own_shift`.
    audience
        (N, 2, width) audience cost.
    """

    kept: Floats
    drift: Floats
    misread: Floats
    pull: Floats
    drag: Floats
    mediation: Floats
    shift: Floats
    audience: Floats


def looks_of(columns: Columns, structure: Structure, *, readings_on: bool) -> Looks:
    """Return what was seen; without the mechanism of readings none is taken in."""
    time = np.asarray(columns["cell_time"], dtype=np.int64)
    order = np.argsort(time, kind="stable") if readings_on else np.empty(0, dtype=np.int64)
    channel = np.asarray(columns["cell_channel"], dtype=np.int64)[order]
    kinds = np.asarray([_KINDS[kind] for kind in structure.channel_bias], dtype=np.int64)
    return Looks(
        held=np.asarray(columns["talks"], dtype=np.float64),
        before=np.asarray(columns["talks_previous"], dtype=np.float64),
        seen=np.asarray(columns["talks_seen"], dtype=np.float64),
        starts=np.searchsorted(time[order], np.arange(len(columns["talks"]) + 1)).astype(np.int64),
        sides=np.asarray(columns["cell_side"], dtype=np.int64)[order],
        channels=channel,
        kinds=kinds[channel] if len(channel) else channel,
        values=np.asarray(columns["cell_value"], dtype=np.float64)[order],
    )


def part_columns(columns: Columns, first: int, last: int) -> Columns:
    """Return the columns of periods `first` to `last` (exclusive)."""
    return {name: np.ascontiguousarray(columns[name][..., first:last]) for name in COLUMNS}


def _full(values: Any, shape: tuple[int, ...]) -> Floats:
    values = np.asarray(values, dtype=np.float64)
    if values.shape == shape and values.flags.c_contiguous and values.flags.writeable:
        return values
    # A view that cannot be written to is another type to the compiler, which begins anew with it.
    out = np.empty(shape)
    out[...] = values
    return out


def still_of(params: Params, structure: Structure, n: int) -> Still:
    """Return what does not change with time; `n` particles lead every free parameter."""
    spread = belief.volatility(np, params, structure)
    bases = [params["onset_base"], params["continuation_base"]]
    return Still(
        start=_full(belief.start_of(params), (n, 2)),
        noise=_full(spread**2, (n, 2)),
        scale=_full(readings.spread(np, params, structure), (n, len(structure.channels))),
        private=_full(params["private_bias"], (n, 2)),
        level=_full(params["projection_level"], (n, 2)),
        slope=_full(params["projection"], (n, 2)),
        floor=np.stack([_full(v, (n,)) for v in bases], axis=-1),
        effect=_full(params["surplus_effect"], (n, 2)),
        process=_full(params["process_share"], (n,)),
        crack=_full(params["crack_rule"], (n,)),
    )


def terms_of(
    params: Params,
    columns: Columns,
    structure: Structure,
    n: int,
    audience: Floats,
) -> Terms:
    """Evaluate the equations over some periods.

    Parameters
    ----------
    params
        All parameters; the free ones lead with `n` particles.
    columns
        From `part_columns`.
    structure
        Structure of the study.
    n
        Number of particles.
    audience
        Audience cost in the period before, (N, 2); 0 before the first.
    """
    # A theory may hold all of audience costs neutral; what they were still leads with particles.
    params = {**params, "audience_memory": np.broadcast_to(params["audience_memory"], (n, 2))}
    kept, push, misread = system.movements(np, params, columns, structure)
    bound = domestic.audience(np, params, columns, structure, audience)
    pull, drag = bargaining.stakes(np, params, columns, bound, structure)
    shift = system.shift(np, params, columns, structure)
    shift = shift + talks.shared_shift(params, columns)
    width = columns["quiet"].shape[-1]
    mediation = np.empty((n, 2, width))
    mediation[:, 0], mediation[:, 1] = talks.own_shift(np, params, columns)
    both, one = (n, 2, width), (n, width)
    return Terms(
        kept=_full(kept, both),
        drift=_full(belief.drift(params, kept, push), both),
        misread=_full(misread, both),
        pull=_full(pull, one),
        drag=_full(drag, one),
        mediation=mediation,
        shift=_full(shift, one),
        audience=_full(bound, both),
    )
