"""Marginal filter: log predictive densities of what was seen, with both beliefs integrated out.

The equations that beliefs do not enter are evaluated some periods at a time; the rest is compiled
(`filter_kernel`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np

from beliefs.features.inputs import Inputs
from beliefs.inference.filter import filter_kernel, filter_reading, filter_rows, quick
from beliefs.inference.smc.particles import Floats, Ints, joined, mapped
from beliefs.inference.smc.unconstrained import Coordinates, coordinates_of
from beliefs.model import contract, system
from beliefs.model.contract import Params
from beliefs.model.mechanisms import bargaining, belief, domestic, readings, talks
from beliefs.model.numerics import recurrence
from beliefs.model.numerics.caches import survive_renaming
from beliefs.model.structure import Columns, Structure, columns, structure_of
from beliefs.model.theory import Theory, free_parameters, null_values

survive_renaming()  # the types of `Static` and others stand in the cache

PATH = 23
"""Numbers kept of each period of a path; see `run`."""
NODES = (6, 10, 4, 48)
"""Nodes for misreading, readings, (on each side) talks, and the fewest for readings sharper
than the belief."""
WIDTH = 64
"""Periods that a replay evaluates at once: few enough for the processor's cache."""
_KINDS = {"anchor": 0, "private": 1, "public": 2}
# The columns that the equations read.
COLUMNS = (
    "evidence", "quiet", "pressure", "rival_persists", "rival_resolve", "hardline", "truce", "cost",
    "mediator", "announced", "scheduled", "waiver", "shock", "turnover", "aftermath",
    "mediator_old", "spell_age", "hinge", "power_shift", "proxy_attack", "heavy", "talks_before",
    "conflict_age",
)  # fmt: skip


class Measurements(NamedTuple):
    """What was seen: talks by period, readings sorted by period."""

    talks: Floats  # talks held, talks in the period before, whether that is known; (T,)
    before: Floats
    seen: Floats
    starts: Ints  # number of the first reading of each period, (T + 1,)
    sides: Ints  # of each reading
    channels: Ints
    kinds: Ints  # 0 has no bias, 1 a private and 2 a public one
    values: Floats

    def of(self, t: int) -> list[Any]:
        """Return the readings of a period: side, channel and value of each."""
        here = slice(self.starts[t], self.starts[t + 1])
        return [v[here].tolist() for v in (self.sides, self.channels, self.values)]


class Static(NamedTuple):
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


class Varying(NamedTuple):
    """Parts of the equations by particle and period; see `system.movements`."""

    kept: Floats  # (N, 2, width)
    drift: Floats
    misread: Floats
    pull: Floats  # (N, width)
    drag: Floats
    mediation: Floats  # (N, 2, width): what shifts a transition alone, see `talks.own_shift`
    shift: Floats  # (N, width)
    audience: Floats  # audience cost, (N, 2, width)


@dataclass(frozen=True)
class Belief:
    """Filtered beliefs of N particles and what they predicted."""

    mean: Floats  # (N, 2) log-odds
    cov: Floats  # (N, 3): first side, both, second side
    total: Floats  # (N, 1) log predictive density of all periods but the newest
    newest: Floats  # (N, 2) that of the newest period: readings, then talks given these
    audience: Floats  # (N, 2) audience cost in the newest period
    # (N, 6) of each side the second of two Gaussians that its belief is made of: share, mean and
    # variance in standard units of the whole; share 0 where one does. See `filter_reading`.
    pair: Floats


def measurements_of(columns: Columns, structure: Structure, *, readings_on: bool) -> Measurements:
    """Return what was seen; without the mechanism of readings none is taken in."""
    time = np.asarray(columns["cell_time"], dtype=np.int64)
    order = np.argsort(time, kind="stable") if readings_on else np.empty(0, dtype=np.int64)
    channel = np.asarray(columns["cell_channel"], dtype=np.int64)[order]
    kinds = np.asarray([_KINDS[kind] for kind in structure.channel_bias], dtype=np.int64)
    return Measurements(
        talks=np.asarray(columns["talks"], dtype=np.float64),
        before=np.asarray(columns["talks_previous"], dtype=np.float64),
        seen=np.asarray(columns["talks_seen"], dtype=np.float64),
        starts=np.searchsorted(time[order], np.arange(len(columns["talks"]) + 1)).astype(np.int64),
        sides=np.asarray(columns["cell_side"], dtype=np.int64)[order],
        channels=channel,
        kinds=kinds[channel],
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


def terms_of(
    params: Params, columns: Columns, structure: Structure, n: int, audience: Floats
) -> Varying:
    """Evaluate the equations over some periods for `n` particles, which lead every free parameter.

    `columns` come from `part_columns`; `audience` (N, 2) is the audience cost in the period before,
    0 before the first.
    """
    # A theory may hold all of audience costs at null; what they were still leads with particles.
    params = {**params, "audience_memory": np.broadcast_to(params["audience_memory"], (n, 2))}
    kept, push, misread = system.movements(np, params, columns, structure)
    bound = domestic.audience(np, params, columns, structure, audience)
    pull, drag = bargaining.stakes(np, params, columns, bound, structure)
    shift = system.shift(np, params, columns, structure) + talks.shared_shift(params, columns)
    width = columns["quiet"].shape[-1]
    both, one = (n, 2, width), (n, width)
    return Varying(
        kept=_full(kept, both), drift=_full(belief.drift(params, kept, push), both),
        misread=_full(misread, both), pull=_full(pull, one), drag=_full(drag, one),
        mediation=np.stack([_full(v, one) for v in talks.own_shift(np, params, columns)], axis=1),
        shift=_full(shift, one), audience=_full(bound, both),
    )  # fmt: skip


@lru_cache(maxsize=32)
def hermite(n: int) -> Floats:
    """Return nodes and weights for the mean under a standard normal, (2, n)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    rule = np.ascontiguousarray(np.stack([nodes, weights / weights.sum()]))
    rule.flags.writeable = False
    return rule


_filter_student = filter_kernel.batch_filter(filter_reading.student, filter_reading.pull_student)


def _compiled(salt: int) -> Any:
    # numba's cache looks at this file alone, and at numbers enclosed; a function enclosed would
    # have another name in every process, and never be found again.
    @numba.njit(nogil=True, cache=True)
    def filter_all(
        first: Any, last: Any, mean: Any, cov: Any, pair: Any, total: Any, newest: Any, static: Any,
        terms: Any, measurements: Any, rules: Any, places: Any, path: Any,
    ) -> Any:  # fmt: skip
        _filter_student(
            first, last, mean, cov, pair, total, newest, static, terms, measurements, rules, places,
            path,
        )  # fmt: skip
        return salt

    return filter_all


SALT = recurrence.source_salt(
    contract, recurrence, readings, domestic, bargaining, talks, filter_kernel, filter_reading,
    filter_rows, quick,
)  # fmt: skip
_filter_all = _compiled(SALT)


def initial_state(static: Static) -> Belief:
    """Return the state before the first period."""
    n = len(static.start)
    zeros = [np.zeros((n, k)) for k in (3, 1, 2, 2, 6)]
    return Belief(static.start, *zeros)


def run(
    belief: Belief,
    static: Static,
    terms: Varying,
    measurements: Measurements,
    first: int,
    last: int,
    *,
    keep: bool = False,
    nodes: tuple[int, int, int, int] = NODES,
    compiled: Any = None,
) -> tuple[Belief, Floats]:
    """Filter periods `first` to `last` (exclusive) from a state that is not changed.

    `terms` begin at the first; `compiled` is another compiled filter, for readings of another
    density. Returns the state after period ``last - 1`` and, if `keep`, the path
    (N, last - first, PATH): by period the log predictive density of readings and of talks, the
    slope of each side's move, mean (2) and covariance (3) as predicted and as filtered, the
    second Gaussian (3) of either side, audience costs (2) and the log density of all before.
    """
    state = {k: v.copy() for k, v in vars(belief).items()}
    new = Belief(**{**state, "audience": terms.audience[..., last - 1 - first].copy()})
    path = np.empty((len(belief.mean), last - first if keep else 0, PATH))
    rules = (hermite(nodes[0]), hermite(nodes[1]), hermite(nodes[2]))
    (compiled or _filter_all)(
        first, last, new.mean, new.cov, new.pair, new.total, new.newest,
        static, terms, measurements, rules, nodes[3], path,
    )  # fmt: skip
    return new, path


@dataclass(frozen=True, eq=False)
class Model:
    """A theory on a study as the filter runs it: what does not depend on the particles."""

    coordinates: Coordinates  # of the free parameters
    null: dict[str, Floats]  # values of all others
    structure: Structure
    columns: Columns
    measurements: Measurements

    @classmethod
    def of(cls, inputs: Inputs, theory: Theory, known: Coordinates | None = None) -> Model:
        """Return the model of a theory on a study's inputs, with coordinates `known` already."""
        structure = structure_of(inputs)
        null = null_values(theory, structure)
        cols = columns(inputs, without=null)
        known = known or coordinates_of(free_parameters(theory, structure), structure)
        seen = measurements_of(cols, structure, readings_on="readings" in theory.mechanisms)
        return cls(known, null, structure, cols, seen)

    def params(self, scores: Floats) -> dict[str, Any]:
        """Return all parameters of particles, (N, *shape) the free ones."""
        return {**self.null, **self.coordinates.params(scores)}

    def static(self, params: dict[str, Any], n: int) -> Static:
        """Return what does not change with time; `n` particles lead every free parameter."""
        structure = self.structure
        bases = [_full(talks.floor(params, x), (n,)) for x in (0, 1)]
        return Static(
            start=_full(belief.start_of(params), (n, 2)),
            noise=_full(belief.volatility(np, params, structure) ** 2, (n, 2)),
            scale=_full(readings.spread(np, params, structure), (n, len(structure.channels))),
            private=_full(params["private_bias"], (n, 2)),
            level=_full(params["projection_level"], (n, 2)),
            slope=_full(params["projection"], (n, 2)),
            floor=np.stack(bases, axis=-1),
            effect=_full(params["surplus_effect"], (n, 2)),
            process=_full(params["process_share"], (n,)),
            crack=_full(params["crack_rule"], (n,)),
        )

    def replay(
        self,
        scores: Floats,
        n_time: int,
        keep: bool = False,
        since: int = 0,
        start: Belief | None = None,
    ) -> tuple[Belief, Static, Floats]:
        """Filter the first `n_time` periods of particles given by their normal scores.

        Returns the state at the end, what does not change with time, and the path (see `run`) from
        period `since` on, empty unless `keep`. With the state before that period as `start`,
        earlier periods are not filtered again.
        """

        def work(chunk: slice) -> tuple[Belief, Static, Floats]:
            mine = scores[chunk]
            n, params = len(mine), self.params(mine)
            static = self.static(params, n)
            belief, paths = initial_state(static), []
            if start is not None:
                belief = Belief(*(values[chunk] for values in vars(start).values()))
            for low in range(0 if start is None else since, n_time, WIDTH):
                high = min(n_time, low + WIDTH)
                part = part_columns(self.columns, low, high)
                terms = terms_of(params, part, self.structure, n, belief.audience)
                belief, path = run(
                    belief, static, terms, self.measurements, low, high,
                    keep=keep and since < high,
                )  # fmt: skip
                paths.append(path[:, max(since - low, 0) :])
            return belief, static, np.concatenate(paths, axis=1)

        beliefs, statics, paths = zip(*mapped(work, len(scores)), strict=True)
        return joined(beliefs), joined(statics), np.concatenate(paths)

    def by_period(self) -> list[Any]:
        """Return all that the filter reads of periods but readings, each (..., T)."""
        return [*(self.columns[name] for name in COLUMNS), *self.measurements[:3]]
