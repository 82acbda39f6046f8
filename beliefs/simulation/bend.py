"""Bend the columns of the future by interventions; pairing with the plain future is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs
from beliefs.features.states import STEEPNESS
from beliefs.features.surprises import CLIP, transform
from beliefs.model.contract import logistic
from beliefs.model.structure import Columns, Structure, evidence_matrix
from beliefs.model.theory import Theory, free_parameters
from beliefs.simulation.future import COST_CLIP, Passed, set_shocks
from beliefs.simulation.interventions import (
    CONDUCT_KINDS,
    Intervention,
    arrivals,
    bad_intervention,
    period_of,
)
from beliefs.study.settings.spec import Indicator, StudySpec

__all__ = ["apply_interventions", "new_jump"]

_DOMAIN = {"log": (0.0, np.inf), "logit": (0.0, 1.0), "count": (-1e-12, np.inf)}


def apply_interventions(
    interventions: Sequence[Intervention],
    *,
    inputs: Inputs,
    indicators: Sequence[Indicator],
    structure: Structure,
    columns: Columns,
    surprise: NDArray[Any],
    dates: NDArray[np.datetime64],
    draw_jump: Callable[[tuple[int, ...]], NDArray[Any]],
    spec: StudySpec | None = None,
    passed: Passed | None = None,
) -> tuple[Structure, Columns, NDArray[Any], NDArray[Any]]:
    """Bend future columns.

    Parameters
    ----------
    interventions
        What to do.
    inputs, indicators, structure
        The study.
    columns, surprise
        From `beliefs.simulation.future.future_columns`; not changed.
    dates
        First day of each future period, (horizon,).
    draw_jump
        Draws the jump of a shock nobody has seen yet, given a shape.
    spec
        What the study says of its hinge and of pressure at home, which a path then moves too.
    passed
        What earlier periods left, where the columns are of a stretch of later ones.

    Returns
    -------
    structure, columns
        With one more shock per turnover or escalation.
    surprise
        With the values of paths arriving: coupled futures read it, others read ``evidence``.
    jumps
        Jumps of those new shocks, (sample, side, new shock).

    Raises
    ------
    StudyError
        A name, date or value does not fit the study.
    """
    columns = dict(columns)
    passed = passed or Passed()
    samples, begin = surprise.shape[0], passed.periods
    stretch = slice(begin, begin + surprise.shape[-1])
    days, step = dates[stretch], inputs.step_days
    jumps: list[NDArray[Any]] = []
    for item in interventions:
        at = period_of(item.label, item.date, dates, step)
        if item.kind == "path":
            k = _known(item, inputs, indicators, structure, spec)
            shift = _shift(item, indicators[k], float(inputs.last[k]), dates, step)
            surprise = _move(surprise, k, shift, inputs, indicators[k], begin)
            if "evidence" in columns:
                kinds = np.full(len(days), inputs.regime[int(inputs.active.sum()) - 1])
                columns["evidence"] = evidence_matrix(structure, surprise, kinds)
            columns["cost"] = _moved_cost(columns["cost"], k, shift, inputs, structure, begin)
            if spec is not None:
                columns |= _moved_states(columns, k, shift, inputs, spec, stretch)
        elif item.kind == "waiver":
            force = days >= dates[at]
            if item.until is not None:
                force &= days <= np.datetime64(item.until)
            columns["waiver"] = np.maximum(columns["waiver"], force)
        elif item.kind == "mediator_leaves":
            for name in ("mediator", "mediator_old"):
                columns[name] = np.where(days >= dates[at], 0.0, columns[name])
        elif item.kind not in CONDUCT_KINDS:
            side = -1
            if item.kind == "turnover":
                if item.side not in structure.sides:
                    raise bad_intervention(
                        item.label, "unknown side", repr(item.side), ", ".join(structure.sides)
                    )
                side = structure.sides.index(item.side)
            structure = replace(
                structure,
                shocks=(*structure.shocks, item.label),
                shock_kind=(*structure.shock_kind, item.kind),
                shock_side=(*structure.shock_side, side),
            )
            row = np.zeros((samples, 1, len(days)))
            row[..., days == dates[at]] = 1.0
            shock = np.concatenate([columns["shock"], row], axis=1)
            set_shocks(structure, columns, shock, passed)
            jumps.append(draw_jump((samples, 2)))
    added = np.stack(jumps, axis=-1) if jumps else np.zeros((samples, 2, 0))
    return structure, columns, surprise, added


def new_jump(
    theory: Theory, structure: Structure, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[Any]:
    """Draw the jump of a shock nobody has seen yet from the theory's prior.

    Parameters
    ----------
    theory
        Its overrides hold. Where it does not free ``shock_jump``, the jump is 0.
    structure
        Structure of the study, before the intervention.
    shape
        Shape of the draws.
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        Jumps in log-odds.
    """
    # One more shock, because in a study without any the parameter is empty and so not free.
    unseen = replace(
        structure,
        shocks=(*structure.shocks, "unseen"),
        shock_kind=(*structure.shock_kind, "escalation"),
        shock_side=(*structure.shock_side, -1),
    )
    free = {p.name: p for p in free_parameters(theory, unseen)}
    if "shock_jump" not in free:
        return np.zeros(shape)
    return np.asarray(free["shock_jump"].prior.rvs(shape, random_state=rng))


def _known(
    item: Intervention,
    inputs: Inputs,
    indicators: Sequence[Indicator],
    structure: Structure,
    spec: StudySpec | None,
) -> int:
    """Return the number of the indicator that a path moves."""
    if item.indicator not in inputs.indicators:
        raise bad_intervention(
            item.label, "unknown indicator", repr(item.indicator), ", ".join(inputs.indicators)
        )
    k = inputs.indicators.index(item.indicator)
    if not np.isfinite(inputs.last[k]) or not inputs.scale[k] > 0:
        raise bad_intervention(
            item.label, "the indicator has no value before the origin", "no value",
            "an indicator with values by the as-of date",
        )  # fmt: skip
    hinge = spec is not None and spec.hinge is not None and spec.hinge.indicator == item.indicator
    if not hinge and k not in (*structure.term_indicator, *structure.cost_indicator):
        raise bad_intervention(
            item.label, "no side keeps score or counts its cost by this indicator", item.indicator,
            ", ".join(
                inputs.indicators[j]
                for j in sorted({*structure.term_indicator, *structure.cost_indicator})
            ) or "an indicator with a direction or a cost; this study has none",
        )  # fmt: skip
    form = indicators[k].transform
    if form == "diff" or (item.change is not None and form not in ("log", "identity")):
        ways = "log or identity" + (", or explicit values" if form != "diff" else "")
        raise bad_intervention(
            item.label, f"such a path of a {form} indicator has no meaning", form,
            f"an indicator with transform {ways}",
        )  # fmt: skip
    return k


def _shift(
    item: Intervention,
    indicator: Indicator,
    last: float,
    dates: NDArray[np.datetime64],
    step_days: int,
) -> dict[int, float]:
    """Return how far f(x) then stands from its last value, by period of arrival."""
    form = indicator.transform
    if item.change is not None:
        at = period_of(item.label, item.date, dates, step_days)
        moved = float(np.log1p(item.change)) if form == "log" else last * item.change
        return {at: moved}
    if not item.values:
        raise bad_intervention(item.label, "a path needs a change or values", "neither", "one")
    low, high = _DOMAIN.get(form, (-np.inf, np.inf))
    for day, value in item.values.items():
        if not low < value < high:
            raise bad_intervention(
                item.label, f"the value on {day} does not fit a {form} indicator", str(value),
                f"a number from {max(low, 0):g} to {high:g}, in {indicator.unit}",
            )  # fmt: skip
    return {
        h: float(transform(form, [value])[0]) - last
        for h, value in arrivals(item, dates, step_days).items()
    }


def _move(
    surprise: NDArray[Any],
    k: int,
    shift: dict[int, float],
    inputs: Inputs,
    indicator: Indicator,
    begin: int,
) -> NDArray[Any]:
    """Return surprises (sample, indicator, horizon) in which the path's values arrive."""
    out = surprise.copy()
    last, expected = float(inputs.last[k]), float(inputs.expectation[k])
    learns = 1.0 if indicator.expectation == "walk" else 1.0 - 0.5 ** (1.0 / indicator.halflife)
    for h, moved in shift.items():
        missed = last + moved - expected
        if 0 <= h - begin < out.shape[-1]:
            out[:, k, h - begin] = np.clip(missed / float(inputs.scale[k]), -CLIP, CLIP)
        expected += learns * missed
    return out


def _moved_cost(
    cost: NDArray[Any],
    k: int,
    shift: dict[int, float],
    inputs: Inputs,
    structure: Structure,
    begin: int,
) -> NDArray[Any]:
    """Return cost levels (sample, cost_term, horizon) that follow the path and stay there."""
    out = cost.copy()
    for row, (number, sign) in enumerate(
        zip(structure.cost_indicator, structure.cost_sign, strict=True)
    ):
        if number == k:
            before, unit = 0.0, float(inputs.level_scale[k])
            for h, moved in shift.items():
                out[:, row, max(h - begin, 0) :] += sign * (moved - before) / unit
                before = moved
    return np.clip(out, -COST_CLIP, COST_CLIP)


def _moved_states(
    columns: Columns,
    k: int,
    shift: dict[int, float],
    inputs: Inputs,
    spec: StudySpec,
    stretch: slice,
) -> Columns:
    """Return hinge and pressure at home where the path's indicator makes them."""
    out: Columns = {}
    moved = np.zeros(stretch.stop)
    for h, by in sorted(shift.items()):
        moved[h:] = by / float(inputs.level_scale[k])
    later = (np.arange(len(moved)) >= min(shift))[stretch]
    moved = moved[stretch]
    indicator = spec.indicators[k]
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
