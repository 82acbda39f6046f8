"""Named interventions: what if the rial fell, a waiver came, a government changed, a war widened.

A TOML file holds one or more ``[[intervention]]`` tables::

    [[intervention]]
    kind = "path"            # an indicator moves on a date, or follows named values
    indicator = "usd_irr"
    date = 2026-07-10
    change = 0.30            # relative: the rial loses, the rate rises 30 %

    [[intervention]]
    kind = "waiver"          # relief in force from a date (to `until` when given)
    date = 2026-07-05

    [[intervention]]
    kind = "turnover"        # a new leadership on one side
    side = "us"
    date = 2026-08-01

    [[intervention]]
    kind = "escalation"      # a shock of unknown direction: its jump is drawn from the prior
    date = 2026-07-15
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.forecast.future import set_shocks
from beliefs.mechanism.structure import Columns, Structure, evidence_matrix
from beliefs.study.inputs import Inputs

__all__ = ["KINDS", "Intervention", "apply_interventions", "load_interventions"]

KINDS = ("path", "waiver", "turnover", "escalation")


@dataclass(frozen=True)
class Intervention:
    """One what-if.

    Attributes
    ----------
    kind
        One of `KINDS`.
    date
        First day it is in force.
    indicator, change, values
        For ``path``: indicator id; relative change of its last value on `date`, or
        values by date.
    side
        For ``turnover``: side id.
    until
        For ``waiver``: last day in force; open when None.
    """

    kind: str
    date: dt.date
    indicator: str | None = None
    change: float | None = None
    values: Mapping[str, float] | None = None
    side: str | None = None
    until: dt.date | None = None

    @property
    def label(self) -> str:
        """Return a short name."""
        detail = self.indicator or self.side or ""
        size = f" {self.change:+.0%}" if self.change is not None else ""
        return " ".join(f"{self.kind} {detail}{size} {self.date}".split())


def load_interventions(path: str | Path) -> tuple[Intervention, ...]:
    """Read interventions from a TOML file.

    Raises
    ------
    StudyError
        The file or one of its tables cannot be used.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudyError(
            "the intervention file cannot be read",
            where=str(path),
            found=str(error),
            expected="a TOML file with [[intervention]] tables",
            mend="see `beliefs forecast --help` for an example",
        ) from error
    tables = raw.get("intervention")
    if not isinstance(tables, list) or not tables or set(raw) != {"intervention"}:
        raise StudyError(
            "the intervention file has no [[intervention]] tables, or has other keys",
            where=str(path),
            found=", ".join(raw) or "nothing",
            expected="one or more [[intervention]] tables and nothing else",
            mend="begin each intervention with a line [[intervention]]",
        )
    out = []
    for number, table in enumerate(tables):
        where = f"{path}: intervention[{number}]"
        if table.get("kind") not in KINDS:
            raise _bad(where, "unknown kind", repr(table.get("kind")), ", ".join(KINDS))
        if type(table.get("date")) is not dt.date:
            raise _bad(where, "no date", repr(table.get("date")), "date = YYYY-MM-DD, unquoted")
        try:
            out.append(Intervention(**table))
        except TypeError as error:
            raise _bad(
                where, "a key cannot be used", str(error), "keys of beliefs.Intervention"
            ) from error
    return tuple(out)


def _bad(where: str, what: str, found: str, expected: str) -> StudyError:
    return StudyError(what, where=where, found=found, expected=expected, mend="correct the table")


def apply_interventions(
    interventions: Sequence[Intervention],
    *,
    inputs: Inputs,
    structure: Structure,
    columns: Columns,
    surprise: NDArray[Any],
    dates: NDArray[np.datetime64],
    transforms: Mapping[str, str],
    draw_jump: Callable[[tuple[int, ...]], NDArray[Any]],
) -> tuple[Structure, Columns, NDArray[Any]]:
    """Bend future columns.

    Parameters
    ----------
    interventions
        What to do.
    inputs, structure
        The study.
    columns, surprise
        From `beliefs.forecast.future.future_columns`; not changed.
    dates
        First day of each future period, (horizon,).
    transforms
        Transform of each indicator (for paths).
    draw_jump
        Draws the jump of a shock nobody has seen yet, given a shape.

    Returns
    -------
    structure, columns
        With one more shock per turnover or escalation.
    jumps
        Jumps of those new shocks, (sample, side, new shock).
    """
    columns = dict(columns)
    samples, horizon = surprise.shape[0], surprise.shape[-1]
    jumps: list[NDArray[Any]] = []
    for item in interventions:
        at = int(np.searchsorted(dates, np.datetime64(item.date), side="right")) - 1
        end = dates[-1] + np.timedelta64(inputs.step_days - 1, "D")
        if not dates[0] <= np.datetime64(item.date) <= end:
            raise _bad(
                item.label, "the intervention lies outside the forecast", str(item.date),
                f"a date from {dates[0]} to the end of the horizon, {dates[-1]}",
            )  # fmt: skip
        if item.kind == "path":
            surprise = _move_indicator(item, inputs, surprise, dates, at, transforms)
            kinds = np.full(horizon, inputs.regime[int(inputs.active.sum()) - 1])
            columns["evidence"] = evidence_matrix(structure, surprise, kinds)
        elif item.kind == "waiver":
            force = dates >= dates[at]
            if item.until is not None:
                force &= dates <= np.datetime64(item.until)
            columns["waiver"] = np.maximum(columns["waiver"], force)
        else:
            side = -1
            if item.kind == "turnover":
                if item.side not in structure.sides:
                    raise _bad(
                        item.label, "unknown side", repr(item.side), ", ".join(structure.sides)
                    )
                side = structure.sides.index(item.side)
            structure = replace(
                structure,
                shocks=(*structure.shocks, item.label),
                shock_kind=(*structure.shock_kind, item.kind),
                shock_side=(*structure.shock_side, side),
            )
            row = np.zeros((samples, 1, horizon))
            row[..., at] = 1.0
            shock = np.concatenate([columns["shock"], row], axis=1)
            set_shocks(structure, columns, shock)
            jumps.append(draw_jump((samples, 2)))
    added = np.stack(jumps, axis=-1) if jumps else np.zeros((samples, 2, 0))
    return structure, columns, added


def _move_indicator(
    item: Intervention,
    inputs: Inputs,
    surprise: NDArray[Any],
    dates: NDArray[np.datetime64],
    at: int,
    transforms: Mapping[str, str],
) -> NDArray[Any]:
    if item.indicator not in inputs.indicators:
        raise _bad(
            item.label, "unknown indicator", repr(item.indicator), ", ".join(inputs.indicators)
        )
    k = inputs.indicators.index(item.indicator)
    form = transforms[item.indicator]
    last, scale = float(inputs.last[k]), float(inputs.scale[k])
    if not np.isfinite(last) or not scale > 0:
        raise _bad(
            item.label, "the indicator has no value before the origin", "no value",
            "an indicator with values by the as-of date",
        )  # fmt: skip
    steps: dict[int, float] = {}
    if item.change is not None:
        if form not in ("log", "identity"):
            raise _bad(
                item.label, f"a relative change of a {form} indicator has no meaning", form,
                "an indicator with transform log or identity, or explicit values",
            )  # fmt: skip
        steps[at] = float(np.log1p(item.change)) if form == "log" else last * item.change
    elif item.values:
        before = last
        for day, value in sorted(item.values.items()):
            h = int(np.searchsorted(dates, np.datetime64(day), side="right")) - 1
            moved = float(np.log(value)) if form == "log" else float(value)
            steps[h] = steps.get(h, 0.0) + moved - before
            before = moved
    else:
        raise _bad(item.label, "a path needs a change or values", "neither", "change = 0.3")
    surprise = surprise.copy()
    for h, move in steps.items():
        surprise[:, k, h] = np.clip(move / scale, -4.0, 4.0)
    return surprise
