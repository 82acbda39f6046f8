"""The forecast of a run folder that holds none: made from its posterior, the same for every use.

`beliefs forecast` prints it, `beliefs report` shows it, a ledger registers it and `beliefs diff`
holds it against another.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beliefs.forecast.conduct import Conduct
    from beliefs.forecast.forecast import Forecast
    from beliefs.infer.posterior import Posterior
    from beliefs.study.load import Study

__all__ = ["foretold", "horizon_or_default", "known_conduct"]

SEED = 1


def horizon_or_default(study: Study, horizon: int | None) -> int:
    """Return the horizon asked for, or a quarter year or half a year ahead."""
    return horizon or {"day": 90, "week": 26}[study.spec.period.step]


def known_conduct(run: Path, posterior: Posterior) -> Conduct | None:
    """Return the draws of conduct of a run folder, learnt now where it holds none."""
    from beliefs.forecast.conduct import conduct_of
    from beliefs.record.conduct import conduct_in
    from beliefs.record.tracks import FILE, load_track

    kept = conduct_in(run)
    if kept is not None:
        return kept
    track = load_track(run) if (run / FILE).is_file() else None
    return conduct_of(posterior, seed=posterior.seed, track=track)


def foretold(
    run: Path,
    posterior: Posterior,
    *,
    horizon: int | None = None,
    seed: int = SEED,
    allow_failed: bool = False,
    yardsticks: bool = True,
) -> Forecast:
    """Return the forecast of a run, of conduct too.

    Parameters
    ----------
    run, posterior
        Run folder and what `beliefs.record.load_run` returns of it.
    horizon, seed
        Periods ahead, 90 days or 26 weeks when None, and seed of the futures.
    allow_failed
        Forecast from a posterior that failed its gate as well.
    yardsticks
        Whether futures of the prior and of the base rate are run beside them.

    Raises
    ------
    GateError
        The posterior failed its gate.
    """
    from beliefs.forecast.forecast import forecast

    ok = posterior.report.passed or allow_failed
    return forecast(
        posterior,
        horizon_or_default(posterior.study, horizon),
        seed=seed,
        allow_failed=allow_failed,
        yardsticks=yardsticks,
        conduct=known_conduct(run, posterior) if ok else None,
    )
