"""What interventions do: to columns and news of futures, and to what both sides do in them.

Futures with and without an intervention stay paired: no random number is taken that would not be
taken without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features import steps
from beliefs.features.inputs import Inputs, Shock
from beliefs.features.states import STEEPNESS
from beliefs.features.steps import Floats
from beliefs.features.surprises import CLIP, transform
from beliefs.features.truces import SPOILER_DAYS
from beliefs.model.contract import logistic
from beliefs.model.structure import Columns, Structure, evidence_matrix
from beliefs.model.theory import Theory, free_parameters
from beliefs.simulation.future import COST_CLIP, Passed, set_shocks
from beliefs.simulation.interventions import KINDS, Intervention, bad_intervention
from beliefs.study.load import Study

Dates = NDArray[np.datetime64]
HOURS = 72.0  # until a spoiler's action is attributed, where the file does not say
_DOMAIN = {"log": (0.0, np.inf), "logit": (0.0, 1.0), "count": (-1e-12, np.inf)}


@dataclass(eq=False)
class Effects:
    """What interventions do to actions in H future periods; entries of lists begin with theirs."""

    hotline: Floats  # (H,) 1 while a hotline is in force
    zones: Floats  # (zone, H) 1 while a rule for a watched zone is in force
    # (H,) how long an unclaimed action, if it happens then, stays unattributed
    open_periods: Floats
    # Unclaimed actions: severity
    spoilers: list[tuple[int, float]] = field(default_factory=list)
    # Actions at a red line: side, severity, whether that crosses it
    crossings: list[tuple[int, int, float, bool]] = field(default_factory=list)
    # Truces that go on: whether both sides agree, periods until the new deadline
    extensions: list[tuple[int, bool, int]] = field(default_factory=list)
    concessions: list[int] = field(default_factory=list)  # named concessions that are broken
    # What an indicator counts, whatever the actions: indicator, value
    counts: list[tuple[int, int, float]] = field(default_factory=list)


def effects_of(
    interventions: Sequence[Intervention], study: Study, inputs: Inputs, dates: Dates
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
            zone = _place(
                item, item.zone, "zone", inputs.observed.zones, "[zones]; this one watches"
            )
        match item.kind:
            case "hotline":
                out.hotline[force] = 1.0
            case "zone":
                out.zones[zone, force] = 1.0
            case "attribution":
                assert item.hours is not None
                out.open_periods[force] = item.hours / 24.0 / step
            case "spoiler":
                out.spoilers.append((at, item.severity or 3.0))
                out.open_periods[at] = (HOURS if item.hours is None else item.hours) / 24.0 / step
            case "crossing":
                side = _place(item, item.side, "side", spec.side_ids)
                _place(item, item.line, "red line", tuple(lines), "[redlines]; this one declares")
                severity = item.severity or 5.0
                out.crossings.append((at, side, severity, severity >= lines[item.line or ""]))
            case "extension":
                assert item.days is not None
                periods = max(round(item.days / step), 1)
                out.extensions.append((at, item.mutual is not False, periods))
            case "concession":
                names = tuple(c.id for c in spec.concessions)
                _place(item, item.id, "concession", names, "[[concessions]]; this one declares")
                out.concessions.append(at)
            case "path" if item.indicator in inputs.indicators:
                k = inputs.indicators.index(item.indicator)
                out.counts += [(h, k, value) for h, value in item.arrivals(dates, step).items()]
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
    both = free_parameters(theory, structure, None)
    free, found = {p.name for p in both}, []
    for item in interventions:
        kind = KINDS[item.kind]
        if not free.intersection(kind.through):
            why = f"{theory.name} holds {', '.join(kind.through)} at null"
            found.append(f"{item.label} changes nothing: {why}")
        elif kind.actions and not actions:
            found.append(f"{item.label} changes nothing: actions were not simulated")
    return found


def with_shocks(structure: Structure, interventions: Sequence[Intervention]) -> Structure:
    """Return a structure with one more shock per turnover or escalation."""
    for item in interventions:
        if item.kind in ("turnover", "escalation"):
            turned = item.kind == "turnover"
            side = _place(item, item.side, "side", structure.sides) if turned else None
            shocks = (*structure.shocks, Shock(item.label, item.kind, side))
            structure = replace(structure, shocks=shocks)
    return structure


def new_jump(
    theory: Theory, structure: Structure, samples: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Draw the jump of a shock nobody has seen yet from its prior, (sample, side), log-odds."""
    # One more shock, because in a study without any the parameter is empty and so not free.
    unseen = replace(structure, shocks=(Shock("unseen", "escalation", None),))
    for p in free_parameters(theory, unseen):
        if p.name == "shock_jump":
            return np.asarray(p.prior.rvs((samples, 2), random_state=rng))
    return np.zeros((samples, 2))


def change_columns(
    interventions: Sequence[Intervention],
    study: Study,
    inputs: Inputs,
    structure: Structure,
    columns: Columns,
    surprise: NDArray[Any],
    dates: Dates,
    passed: Passed | None = None,
) -> tuple[Columns, NDArray[Any]]:
    """Return columns of futures as interventions change them, and surprises.

    `structure` is from `with_shocks`. Values of paths arrive in the surprises, which futures with
    actions read, and in ``evidence``, which others read.
    """
    columns, shocks = dict(columns), []
    passed = passed or Passed()
    samples, begin = surprise.shape[0], passed.periods
    stretch = slice(begin, begin + surprise.shape[-1])
    days, step, last_period = dates[stretch], inputs.step_days, int(inputs.active.sum()) - 1

    def follow(k: int, shift: dict[int, float], surprise: NDArray[Any]) -> NDArray[Any]:
        """Return surprises in which a path arrives; levels that it makes follow it and stay."""
        spec, indicator, out = study.spec, study.spec.indicators[k], surprise.copy()
        last, expected, whole = inputs.last[k], inputs.expectation[k], np.zeros(stretch.stop)
        walk = indicator.expectation == "walk"
        learns = 1.0 if walk else steps.learns(indicator.halflife)
        for h, moved in shift.items():
            missed = last + moved - expected
            if h in range(begin, stretch.stop):
                out[:, k, h - begin] = np.clip(missed / inputs.scale[k], -CLIP, CLIP)
            expected += learns * missed
            whole[h:] = moved / inputs.level_scale[k]
        level, cost = whole[stretch], columns["cost"].copy()
        if "evidence" in columns:
            kinds = np.full(len(days), inputs.regime[last_period])
            columns["evidence"] = evidence_matrix(structure, out, kinds)
        for row, term in enumerate(structure.cost_terms):
            if term.indicator == k:
                cost[:, row] += term.sign * level
        columns["cost"] = np.clip(cost, -COST_CLIP, COST_CLIP)
        if spec.hinge is not None and spec.hinge.indicator == indicator.id:
            stands = indicator.cost_sign * (inputs.level[k, last_period] + level)
            past = logistic(np, STEEPNESS * (stands - spec.hinge.level))
            later = (np.arange(len(whole)) >= min(shift))[stretch]
            columns["hinge"] = np.where(later, past, columns["hinge"])
        if "pressure_home" in columns and indicator.source == "series":
            home = columns["pressure_home"].copy()
            for i, side in enumerate(spec.side_ids):
                names = spec.pressure.get(side, ())
                if indicator.id in names:
                    home[:, i] -= indicator.direction[side] * level / len(names)
            columns["pressure_home"] = np.clip(home, -COST_CLIP, COST_CLIP)
        return out

    for item in interventions:
        at, force = item.period(dates, step), item.in_force(dates, step)[stretch]
        match item.kind:
            case "path":
                surprise = follow(*_path(item, study, inputs, structure, dates), surprise)
            case "waiver":
                columns["waiver"] = np.maximum(columns["waiver"], force)
            case "mediator_leaves":
                for name in ("mediator", "mediator_old"):
                    columns[name] = np.where(force, 0.0, columns[name])
            case "turnover" | "escalation":
                shocks.append(np.broadcast_to(1.0 * (days == dates[at]), (samples, 1, len(days))))
    if shocks:
        set_shocks(structure, columns, np.concatenate([columns["shock"], *shocks], axis=1), passed)
    return columns, surprise


def _path(
    item: Intervention, study: Study, inputs: Inputs, structure: Structure, dates: Dates
) -> tuple[int, dict[int, float]]:
    """Return the indicator of a path, and how far it then stands from its last value.

    On the scale of its surprises, f(x), by period of arrival.
    """
    k = _place(item, item.indicator, "indicator", inputs.indicators)
    indicator, hinge, last = study.spec.indicators[k], study.spec.hinge, float(inputs.last[k])
    form, ids = indicator.transform, inputs.indicators
    read = {t.indicator for t in structure.terms} | {t.indicator for t in structure.cost_terms}
    low, high = _DOMAIN.get(form, (-np.inf, np.inf))
    wrong = {d: v for d, v in (item.values or {}).items() if not low < v < high}
    bad: tuple[str, str, str] | None = None
    if not np.isfinite(last) or not inputs.scale[k] > 0:
        bad = (
            "the indicator has no value before the origin", "no value",
            "an indicator with values by the as-of date",
        )  # fmt: skip
    elif k not in read and (hinge is None or hinge.indicator != item.indicator):
        some = ", ".join(ids[j] for j in sorted(read))
        bad = (
            "no side keeps score or counts its cost by this indicator", indicator.id,
            some or "an indicator with a direction or a cost; this study has none",
        )  # fmt: skip
    elif form == "diff" or (item.change is not None and form not in ("log", "identity")):
        ways = "log or identity" + (", or explicit values" if form != "diff" else "")
        bad = (
            f"such a path of a {form} indicator has no meaning", form,
            f"an indicator with transform {ways}",
        )  # fmt: skip
    elif item.change is None and not item.values:
        bad = ("a path needs a change or values", "neither", "one")
    elif item.change is None and wrong:
        day, value = next(iter(wrong.items()))
        bad = (
            f"the value on {day} does not fit a {form} indicator", str(value),
            f"a number from {max(low, 0):g} to {high:g}, in {indicator.unit}",
        )  # fmt: skip
    if bad is not None:
        raise bad_intervention(item.label, *bad)
    if item.change is not None:
        moved = float(np.log1p(item.change)) if form == "log" else last * item.change
        shift = {item.period(dates, inputs.step_days): moved}
    else:
        values = item.arrivals(dates, inputs.step_days)
        shift = {h: float(transform(form, [v])[0]) - last for h, v in values.items()}
    return k, shift
