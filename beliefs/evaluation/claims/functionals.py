"""What claims say of a study that is no parameter itself, but follows from parameters.

Each functional is pure: draws of parameters in, one labelled number by draw out. They call the
equations of the mechanisms and hold none of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.claims.expressions import Absent, Values
from beliefs.model.mechanisms import accidents, domestic, outcomes, readings, reciprocity
from beliefs.model.structure import Columns, Structure, until
from beliefs.model.theory import Theory, all_declared, conduct_neutral, neutral_values

__all__ = [
    "FUNCTIONALS",
    "PATHS",
    "Functional",
    "Quantities",
    "Setting",
    "quantities_of",
    "setting_of",
]

Floats = NDArray[np.float64]
Draws = Mapping[str, Floats]

MONTH = 30.0 / 7.0  # weeks
CERTAIN = 1e-6  # beliefs this close to 0 or 1 have no finite log-odds


@dataclass(frozen=True, eq=False)
class Setting:
    """What functionals know beside draws.

    Attributes
    ----------
    structure
        Structure of the study.
    columns
        `beliefs.model.structure.columns` up to the as-of date.
    conduct
        `conduct_columns` up to the same, beliefs of the period before filled in.
    """

    structure: Structure
    columns: Columns
    conduct: Columns

    @property
    def sides(self) -> tuple[tuple[str, ...], ...]:
        """Labels of an axis of sides."""
        return (self.structure.sides,)


@dataclass(frozen=True)
class Functional:
    """One functional.

    Attributes
    ----------
    reads
        Names of the parameters that enter.
    of
        From draws (N, ...) to values.
    meaning
        One phrase.
    """

    reads: tuple[str, ...]
    of: Callable[[Draws, Setting], Values]
    meaning: str


def _public_bias(draws: Draws, setting: Setting) -> Values:
    columns = setting.columns
    public = columns["cell_public"] > 0.0
    side, time = columns["cell_side"][public], columns["cell_time"][public]
    p = np.clip(setting.conduct["p_lag"][side, time], CERTAIN, 1.0 - CERTAIN)
    added = domestic.projection(np, draws, np.log(p) - np.log1p(-p), side)
    said = [side == i for i in (0, 1)]
    if not all(mine.any() for mine in said):
        raise Absent("public words of both sides")
    return Values(np.stack([added[:, mine].mean(axis=1) for mine in said], axis=1), setting.sides)


def _spread(draws: Draws, setting: Setting) -> Values:
    structure = setting.structure
    return Values(readings.spread(np, draws, structure), (structure.channel_bias,))


def _mean_mark(draws: Draws, setting: Setting) -> Floats | float:
    """Return what an act of the study counts for on average, in acts of severity 3."""
    acts, warned = (
        setting.conduct[name].sum(axis=(0, 2))[None, :, None]
        for name in ("strike_by_severity", "warned_by_severity")
    )
    if acts.sum() == 0.0:
        return 1.0
    marks: Floats = reciprocity.mark(np, draws, acts, warned)[:, 0, 0] / acts.sum()
    return marks


def _gain(draws: Draws, setting: Setting) -> Values:
    return Values(reciprocity.gain(np, draws, _mean_mark(draws, setting)))


def _gain_truce(draws: Draws, setting: Setting) -> Values:
    return Values(_gain(draws, setting).array * np.exp(draws["truce_gain"]))


def _crossing_rate(draws: Draws, setting: Setting) -> Values:
    rate = 0.5 * (1.0 + np.tanh(0.5 * draws["crossing"]))
    return Values(rate, setting.sides)


def _control_day(draws: Draws, setting: Setting) -> Values:
    return Values(accidents.control_day(np, draws), setting.sides)


def _balance_halflife(draws: Draws, setting: Setting) -> Values:
    # What is left after a week of the distance between both beliefs, sides alike.
    left = np.log(draws["retention"]).mean(axis=-1)
    return Values(np.log(0.5) / np.minimum(left, -1e-9))


def _within_month(base: str) -> Callable[[Draws, Setting], Values]:
    def of(draws: Draws, setting: Setting) -> Values:
        return Values(-np.expm1(-MONTH * np.exp(draws[base])))

    return of


def _kind_share(draws: Draws, setting: Setting) -> Values:
    shares = outcomes.kind_shares(draws, np.ones(1))
    return Values(np.stack(np.broadcast_arrays(*shares), axis=-1), (outcomes.KINDS,))


def _waiver_gain(draws: Draws, setting: Setting) -> Values:
    return Values(draws["sequencing_gap"] * draws["waiver_cut"])


_GAIN = ("log_excite_own", "log_excite_cross", "severity_power", "warning_effect")
FUNCTIONALS: dict[str, Functional] = {
    "public_bias": Functional(
        ("projection_level", "projection"), _public_bias,
        "what a side's public words add to its belief, over its public words of the study",
    ),
    "spread": Functional(("log_reading_step",), _spread, "scale of the readings of a channel"),
    "gain": Functional(_GAIN, _gain, "acts that one act draws directly"),
    "gain_truce": Functional((*_GAIN, "truce_gain"), _gain_truce, "the same in a truce"),
    "crossing_rate": Functional(
        ("crossing",), _crossing_rate, "share of acts at a red line that cross it"
    ),
    "control_day": Functional(
        ("command_control",), _control_day, "probability of a day of truce kept by forces not own"
    ),
    "balance_halflife": Functional(
        ("retention",), _balance_halflife, "weeks in which a gap between beliefs halves"
    ),
    "deal_30": Functional(
        ("deal_base",), _within_month("deal_base"), "probability of a deal within 30 days"
    ),
    "walkout_30": Functional(
        ("walkout_base",), _within_month("walkout_base"),
        "probability that talks are cancelled within 30 days at risk",
    ),
    "kind_share": Functional(
        ("lapse_share", "unilateral_share", "mutual_share"), _kind_share,
        "how a window with a deadline ends, collapse apart",
    ),
    "waiver_gain": Functional(
        ("sequencing_gap", "waiver_cut"), _waiver_gain, "surplus that a waiver wins back"
    ),
}  # fmt: skip


PATHS = {"jump_share": "share of declared shocks in the falls that end in a crack"}
"""What follows from whole paths of belief; see `beliefs.evaluation.backtest.cracks`."""


def setting_of(structure: Structure, columns: Columns, conduct: Columns, n_time: int) -> Setting:
    """Return the setting of the first `n_time` periods."""
    inside = columns["cell_time"] < n_time
    mine = until(columns, n_time)
    mine |= {k: v[inside] for k, v in columns.items() if k.startswith("cell_")}
    return Setting(structure, mine, until(conduct, n_time))


class Quantities(Mapping[str, Values]):
    """Parameters and functionals by name, as expressions read them.

    Functionals are computed on first use.

    Parameters
    ----------
    draws
        Every parameter that may be asked for, (N, *shape).
    setting
        What functionals know beside them.
    dims
        Names of the dimensions of each parameter.
    extra
        Values that follow from more than parameters, by name; their number of draws is their own.
    """

    def __init__(
        self,
        draws: Draws,
        setting: Setting,
        dims: Mapping[str, tuple[str, ...]],
        extra: Mapping[str, Values] | None = None,
    ) -> None:
        self._draws, self._setting, self._dims = draws, setting, dims
        self._known: dict[str, Values] = dict(extra or {})
        self._names = dict.fromkeys([*self._known, *draws, *FUNCTIONALS])

    def __getitem__(self, name: str) -> Values:
        if name not in self._known:
            if name in FUNCTIONALS:
                self._known[name] = FUNCTIONALS[name].of(self._draws, self._setting)
            elif name in self._draws:
                coords = self._setting.structure.coords
                labels = tuple(tuple(coords[d]) for d in self._dims[name])
                self._known[name] = Values(np.asarray(self._draws[name]), labels)
            else:
                raise KeyError(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def quantities_of(
    draws: Draws, theory: Theory, setting: Setting, extra: Mapping[str, Values] | None = None
) -> Quantities:
    """Return draws of a theory's free parameters, and neutral values of all others.

    Parameters
    ----------
    draws
        Free parameters, (N, *shape); those that are not there are neutral.
    theory
        Which parameters are free.
    setting
        What functionals know beside them.
    extra
        See `Quantities`.
    """
    structure = setting.structure
    n = len(next(iter(draws.values())))
    held = neutral_values(theory, structure) | conduct_neutral(theory, structure)
    full = {k: np.broadcast_to(v, (n, *v.shape)) for k, v in held.items() if k != "innovation"}
    dims = {name: p.dims for name, (_, p) in all_declared(structure).items()}
    return Quantities(full | dict(draws), setting, dims, extra)
