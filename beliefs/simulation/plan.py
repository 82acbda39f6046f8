"""Which periods a forecast spans, and whether it can be made, asked before anything is sampled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.model.structure import columns, structure_of
from beliefs.simulation.bend import apply_interventions
from beliefs.simulation.bend_conduct import bends_of
from beliefs.simulation.future import future_columns
from beliefs.simulation.interventions import Intervention
from beliefs.study.load import Study

__all__ = ["LONGEST", "check_horizon", "check_plan", "default_horizon", "future_dates"]

LONGEST = 5000  # periods ahead


def future_dates(inputs: Inputs, horizon: int) -> NDArray[np.datetime64]:
    """Return the first day of each period after the origin, (horizon,)."""
    last = inputs.dates[inputs.active][-1].astype("datetime64[D]")
    ahead = np.timedelta64(inputs.step_days, "D") * np.arange(1, horizon + 1)
    return np.asarray(last + ahead)


def default_horizon(study: Study) -> int:
    """Return the number of periods of a forecast for which none is given: 90 days or 26 weeks."""
    return {"day": 90, "week": 26}[study.spec.period.step]


def check_horizon(horizon: int) -> None:
    """Raise StudyError when a horizon is not 1 to `LONGEST` periods."""
    if not 1 <= horizon <= LONGEST:
        raise StudyError(
            "the horizon cannot be used", where="horizon", found=str(horizon),
            expected=f"1 to {LONGEST} periods", mend="give a horizon in that range",
        )  # fmt: skip


def check_plan(
    study: Study, horizon: int | None, interventions: Sequence[Intervention] = ()
) -> None:
    """Refuse, before a posterior is sampled, what `beliefs.forecast` would refuse afterwards.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    horizon
        Number of future periods, `default_horizon` when None.
    interventions
        What-ifs; they are tried on one future in which the first period repeats itself.

    Raises
    ------
    StudyError
        The horizon or an intervention cannot be used.
    """
    horizon = default_horizon(study) if horizon is None else horizon
    check_horizon(horizon)
    if not interventions:
        return
    inputs = build_inputs(study)
    structure = structure_of(inputs)
    index = np.zeros((1, horizon), dtype=np.int64)
    cols, surprise = future_columns(
        inputs, structure, columns(inputs), index, resample_shocks=False
    )
    dates = future_dates(inputs, horizon)
    bends_of(interventions, study=study, inputs=inputs, structure=structure, dates=dates)
    apply_interventions(
        interventions,
        inputs=inputs,
        indicators=study.spec.indicators,
        structure=structure,
        columns=cols,
        surprise=surprise,
        dates=dates,
        draw_jump=np.zeros,
        spec=study.spec,
    )
