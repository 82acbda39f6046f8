"""What interventions do: to columns and news of futures, and to what both sides do in them.

Futures with and without an intervention stay paired: no random number is taken that would not be
taken without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.states import STEEPNESS
from beliefs.features.surprises import CLIP, transform
from beliefs.features.windows import SPOILER_DAYS
from beliefs.model.contract import logistic
from beliefs.model.structure import Columns, Structure, evidence_matrix
from beliefs.model.theory import Theory, conduct_parameters, free_parameters
from beliefs.simulation.future import COST_CLIP, Passed, set_shocks
from beliefs.simulation.interventions import KINDS, Intervention, bad_intervention
from beliefs.study.load import Study

__all__ = [
    "Count", "Crossing", "Effects", "Extension", "Spoiler", "change_columns", "effects_of",
    "new_jump", "without_effect",
]  # fmt: skip

Floats = NDArray[np.float64]
HOURS = 72.0  # until a spoiler's act is attributed, where the file does not say
_DOMAIN = {"log": (0.0, np.inf), "logit": (0.0, 1.0), "count": (-1e-12, np.inf)}


@dataclass(frozen=True)
class Spoiler:
    """An act that nobody owns to: period, severity, place among watched zones (-1 for none)."""

    at: int
    severity: float
    zone: int


@dataclass(frozen=True)
class Crossing:
    """An act at a red line: period, side, severity, whether that crosses the line."""

    at: int
    side: int
    severity: float
    crosses: bool


@dataclass(frozen=True)
class Extension:
    """A truce that goes on: period, whether both sides agree, periods until its new deadline."""

    at: int
    mutual: bool
    periods: int


@dataclass(frozen=True)
class Count:
    """What an indicator counts in a period, whatever the acts: period, indicator, value."""

    at: int
    indicator: int
    value: float


@dataclass(eq=False)
class Effects:
    """What interventions do to actions in H future periods."""

    hotline: Floats  # (H,) 1 while a hotline is in force
    zones: Floats  # (zone, H) 1 while a rule for a watched zone is in force
    # (H,) how long an act that nobody owns to, if it happens then, stays unattributed
    open_periods: Floats
    # What happens, and when
    spoilers: list[Spoiler] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    concessions: list[int] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)


def effects_of(
    interventions: Sequence[Intervention],
    *,
    study: Study,
    inputs: Inputs,
    structure: Structure,
    dates: NDArray[np.datetime64],
) -> Effects:
    """Return what interventions do to actions."""
    horizon, step = len(dates), inputs.step_days
    last, spec = int(inputs.active.sum()) - 1, study.spec
    out = Effects(
        np.full(horizon, inputs.observed.hotline[last]),
        np.repeat(inputs.observed.zone_rule[:, last : last + 1], horizon, axis=1),
        np.full(horizon, SPOILER_DAYS / step),
    )
    lines = {} if spec.redlines is None else spec.redlines.lines
    for item in interventions:
        at, force = item.period(dates, step), item.in_force(dates, step)
        if item.zone is not None:
            zone = _place(item, item.zone, "zone", structure.zones, "[zones]; this one watches")
        match item.kind:
            case "hotline":
                out.hotline[force] = 1.0
            case "zone":
                out.zones[zone, force] = 1.0
            case "attribution":
                assert item.hours is not None
                out.open_periods[force] = item.hours / 24.0 / step
            case "spoiler":
                place = -1 if item.zone is None else zone
                out.spoilers.append(Spoiler(at, item.severity or 3.0, place))
                out.open_periods[at] = (HOURS if item.hours is None else item.hours) / 24.0 / step
            case "crossing":
                side = _place(item, item.side, "side", spec.side_ids)
                _place(item, item.line, "red line", tuple(lines), "[redlines]; this one declares")
                severity = item.severity or 5.0
                crosses = severity >= lines[item.line or ""]
                out.crossings.append(Crossing(at, side, severity, crosses))
            case "extension":
                assert item.days is not None
                periods = max(round(item.days / step), 1)
                out.extensions.append(Extension(at, item.mutual is not False, periods))
            case "concession":
                names = tuple(c.id for c in spec.concessions)
                _place(item, item.id, "concession", names, "[[concessions]]; this one declares")
                out.concessions.append(at)
            case "path" if item.indicator in inputs.indicators:
                k = inputs.indicators.index(item.indicator)
                out.counts += [Count(h, k, value) for h, value in item.arrivals(dates, step)]
    return out


def _place(
    item: Intervention, name: str | None, what: str, names: Sequence[str], without: str = ""
) -> int:
    """Return the place of a name that the study must declare."""
    if name not in names:
        expected = ", ".join(names) or f"a study with {without} none"
        raise bad_intervention(item.label, f"unknown {what}", repr(name), expected)
    return names.index(name)


def without_effect(
    theory: Theory,
    structure: Structure,
    interventions: Sequence[Intervention],
    *,
    actions: bool = True,
) -> list[str]:
    """Return a sentence for every intervention that changes nothing under a theory."""
    both = (*free_parameters(theory, structure), *conduct_parameters(theory, structure))
    free = {p.name for p in both}
    found = []
    for item in interventions:
        kind = KINDS[item.kind]
        why = None
        if not free.intersection(kind.through):
            why = f"{theory.name} holds {', '.join(kind.through)} neutral"
        elif kind.actions and not actions:
            why = "conduct was not simulated"
        if why is not None:
            found.append(f"{item.label} changes nothing: {why}")
    return found


def change_columns(
    interventions: Sequence[Intervention],
    *,
    study: Study,
    inputs: Inputs,
    structure: Structure,
    columns: Columns,
    surprise: NDArray[Any],
    dates: NDArray[np.datetime64],
    draw_jump: Callable[[tuple[int, ...]], NDArray[Any]],
    passed: Passed | None = None,
) -> tuple[Structure, Columns, NDArray[Any], NDArray[Any]]:
    """Change the columns of futures.

    Returns
    -------
    structure, columns
        With one more shock per turnover or escalation.
    surprise
        With the values of paths arriving: coupled futures read it, others read ``evidence``.
    jumps
        Jumps of those new shocks, (sample, side, new shock).
    """
    columns = dict(columns)
    passed = passed or Passed()
    samples, begin = surprise.shape[0], passed.periods
    stretch = slice(begin, begin + surprise.shape[-1])
    days, step = dates[stretch], inputs.step_days
    jumps: list[NDArray[Any]] = []
    for item in interventions:
        at, force = item.period(dates, step), item.in_force(dates, step)[stretch]
        match item.kind:
            case "path":
                path = _path(item, study, inputs, structure, dates)
                surprise = path.move(surprise, begin)
                if "evidence" in columns:
                    kinds = np.full(len(days), inputs.regime[int(inputs.active.sum()) - 1])
                    columns["evidence"] = evidence_matrix(structure, surprise, kinds)
                columns["cost"] = path.cost(columns["cost"], structure, begin)
                columns |= path.states(columns, stretch)
            case "waiver":
                columns["waiver"] = np.maximum(columns["waiver"], force)
            case "mediator_leaves":
                for name in ("mediator", "mediator_old"):
                    columns[name] = np.where(force, 0.0, columns[name])
            case "turnover" | "escalation":
                side = -1
                if item.kind == "turnover":
                    side = _place(item, item.side, "side", structure.sides)
                structure = _one_more(structure, item.label, item.kind, side)
                row = np.zeros((samples, 1, len(days)))
                row[..., days == dates[at]] = 1.0
                shock = np.concatenate([columns["shock"], row], axis=1)
                set_shocks(structure, columns, shock, passed)
                jumps.append(draw_jump((samples, 2)))
    added = np.stack(jumps, axis=-1) if jumps else np.zeros((samples, 2, 0))
    return structure, columns, surprise, added


def _one_more(structure: Structure, name: str, kind: str, side: int) -> Structure:
    """Return a structure with one more shock."""
    return replace(
        structure,
        shocks=(*structure.shocks, name),
        shock_kind=(*structure.shock_kind, kind),
        shock_side=(*structure.shock_side, side),
    )


def new_jump(
    theory: Theory, structure: Structure, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[Any]:
    """Draw the jump of a shock nobody has seen yet from the theory's prior.

    Returns
    -------
    ndarray
        Jumps in log-odds.
    """
    # One more shock, because in a study without any the parameter is empty and so not free.
    unseen = _one_more(structure, "unseen", "escalation", -1)
    free = {p.name: p for p in free_parameters(theory, unseen)}
    if "shock_jump" not in free:
        return np.zeros(shape)
    return np.asarray(free["shock_jump"].prior.rvs(shape, random_state=rng))


@dataclass(frozen=True)
class _Path:
    """How far f(x) of indicator k then stands from its last value, by period of arrival."""

    k: int
    shift: dict[int, float]
    inputs: Inputs
    study: Study

    def move(self, surprise: NDArray[Any], begin: int) -> NDArray[Any]:
        """Return surprises (sample, indicator, horizon) in which the path's values arrive."""
        k, inputs, indicator = self.k, self.inputs, self.study.spec.indicators[self.k]
        out = surprise.copy()
        last, expected = float(inputs.last[k]), float(inputs.expectation[k])
        walk = indicator.expectation == "walk"
        learns = 1.0 if walk else 1.0 - 0.5 ** (1.0 / indicator.halflife)
        for h, moved in self.shift.items():
            missed = last + moved - expected
            if 0 <= h - begin < out.shape[-1]:
                out[:, k, h - begin] = np.clip(missed / float(inputs.scale[k]), -CLIP, CLIP)
            expected += learns * missed
        return out

    def cost(self, cost: NDArray[Any], structure: Structure, begin: int) -> NDArray[Any]:
        """Return cost levels (sample, cost_term, horizon) that follow the path and stay there."""
        out, unit = cost.copy(), float(self.inputs.level_scale[self.k])
        for row, number in enumerate(structure.cost_indicator):
            before = 0.0
            for h, moved in self.shift.items() if number == self.k else ():
                step = structure.cost_sign[row] * (moved - before) / unit
                out[:, row, max(h - begin, 0) :] += step
                before = moved
        return np.clip(out, -COST_CLIP, COST_CLIP)

    def states(self, columns: Columns, stretch: slice) -> Columns:
        """Return hinge and pressure at home where the path's indicator makes them."""
        out: Columns = {}
        spec, inputs, k = self.study.spec, self.inputs, self.k
        whole = np.zeros(stretch.stop)
        for h, by in sorted(self.shift.items()):
            whole[h:] = by / float(inputs.level_scale[k])
        later = (np.arange(len(whole)) >= min(self.shift))[stretch]
        moved, indicator = whole[stretch], spec.indicators[k]
        if spec.hinge is not None and spec.hinge.indicator == indicator.id:
            level = float(inputs.level[k, int(inputs.active.sum()) - 1]) + moved
            past = logistic(np, STEEPNESS * (indicator.cost_sign * level - spec.hinge.level))
            out["hinge"] = np.where(later, past, columns["hinge"])
        if "pressure_home" in columns and indicator.source == "series":
            home = columns["pressure_home"].copy()
            for i, side in enumerate(spec.side_ids):
                names = spec.pressure.get(side, ())
                if indicator.id in names:
                    home[:, i] -= indicator.direction[side] * moved / len(names)
            out["pressure_home"] = np.clip(home, -COST_CLIP, COST_CLIP)
        return out


def _path(
    item: Intervention,
    study: Study,
    inputs: Inputs,
    structure: Structure,
    dates: NDArray[np.datetime64],
) -> _Path:
    """Return the path of an indicator that something reads, on the scale of its surprises."""
    k = _place(item, item.indicator, "indicator", inputs.indicators)
    indicator, hinge, last = study.spec.indicators[k], study.spec.hinge, float(inputs.last[k])
    if not np.isfinite(last) or not inputs.scale[k] > 0:
        raise bad_intervention(
            item.label, "the indicator has no value before the origin", "no value",
            "an indicator with values by the as-of date",
        )  # fmt: skip
    read = (*structure.term_indicator, *structure.cost_indicator)
    if k not in read and (hinge is None or hinge.indicator != item.indicator):
        raise bad_intervention(
            item.label, "no side keeps score or counts its cost by this indicator",
            indicator.id, ", ".join(inputs.indicators[j] for j in sorted({*read}))
            or "an indicator with a direction or a cost; this study has none",
        )  # fmt: skip
    form = indicator.transform
    if form == "diff" or (item.change is not None and form not in ("log", "identity")):
        ways = "log or identity" + (", or explicit values" if form != "diff" else "")
        raise bad_intervention(
            item.label, f"such a path of a {form} indicator has no meaning", form,
            f"an indicator with transform {ways}",
        )  # fmt: skip
    if item.change is not None:
        moved = float(np.log1p(item.change)) if form == "log" else last * item.change
        return _Path(k, {item.period(dates, inputs.step_days): moved}, inputs, study)
    if not item.values:
        raise bad_intervention(item.label, "a path needs a change or values", "neither", "one")
    low, high = _DOMAIN.get(form, (-np.inf, np.inf))
    for day, value in item.values.items():
        if not low < value < high:
            raise bad_intervention(
                item.label, f"the value on {day} does not fit a {form} indicator", str(value),
                f"a number from {max(low, 0):g} to {high:g}, in {indicator.unit}",
            )  # fmt: skip
    shift = {
        h: float(transform(form, [value])[0]) - last
        for h, value in item.arrivals(dates, inputs.step_days)
    }
    return _Path(k, shift, inputs, study)
