"""The forecast as one document: every number of it, computed once, as written and checked.

And how forecasts differ: with an intervention and without, paired; one and a later one.
"""

import datetime as dt
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field

from beliefs.errors import counted
from beliefs.features.talks import LeftOut
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.probability import Number, Probability, Share, probability
from beliefs.forecasting.probability import monte_carlo_error as mcse_of
from beliefs.forecasting.targets import CAUSES, TARGETS, cumulative_incidence, happened_by, headline
from beliefs.inference.sensitivity import reversed_weights
from beliefs.model.contract import logistic
from beliefs.model.pooled import incidence, load_pooled
from beliefs.simulation.interventions import without_effect
from beliefs.simulation.state import spell_at
from beliefs.study.dates import later
from beliefs.study.spec import SpecTable

Parts = tuple[dict[str, Any], ...]
HORIZONS = (7, 30, 90)  # days after the as-of date, where the forecast reaches that far
INTERVAL = 0.9
FORMAT: Final = 3
"""Of the document. In the first, targets of action stood apart, under ``settlement``."""
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Seeds(SpecTable):
    """Seeds of fit and of futures."""

    fit: int
    forecast: int


class Convergence(SpecTable):
    """Whether the posterior passed; of particles R-hat, divergences and E-BFMI say nothing."""

    passed: bool
    r_hat: float
    ess: float
    worst: str
    divergent_share: float
    e_bfmi: float
    failures: tuple[str, ...]
    kind: Literal["chains", "particles"] = "chains"
    pareto_k: float | None = None


class SideBelief(SpecTable):
    """Belief of a side, at the origin, that it prevails: mean and interval."""

    side: str
    mean: Share
    lower: Share
    upper: Share


class Ending(SpecTable):
    """Cumulative incidence of a first end of the truce in force, by competing cause."""

    cause: str = Field(json_schema_extra={"enum": list(CAUSES)})
    by: dt.date
    p: Share
    base_rate: Share


class ReversedWeight(SpecTable):
    """A weight off a side's own scorecard with the other sign than the study declares."""

    term: str
    mean: Number
    p_other_sign: Share


class Reference(SpecTable):
    """The base rate of a reference class for something that is not modelled."""

    target: str
    by: dt.date
    base_rate: Share
    base_rate_source: str


class Document(SpecTable):
    """A forecast: ``forecast.json``, a contract with scripts.

    Timings and versions are left to the manifest, so that the same seed gives the same document.
    """

    format: Literal[3]
    study: str
    as_of: dt.date
    origin: dt.date  # last day the posterior has seen
    left_out: LeftOut | None = None  # days after it, up to the as-of date
    study_sha256: Hash
    theory: str
    theory_sha256: Hash
    informed: str | None = None  # by which earlier conflicts, and of which parameters
    hindcast: bool  # whether the analyst knew how the case went on
    seed: Seeds
    convergence: Convergence
    allowed_failed: bool  # whether a forecast was made though a convergence check failed
    interventions: tuple[str, ...]
    interval: float  # share that the intervals of `belief` hold
    belief: tuple[SideBelief, ...]  # of both sides, for a theory with beliefs
    targets: Annotated[tuple[Probability, ...], Field(min_length=1)]  # by windows
    crack_grid: tuple[Probability, ...]  # cracks by other rules
    reference: tuple[Reference, ...]
    endings: tuple[Ending, ...] = ()
    notes: tuple[str, ...] = ()  # what-ifs that change nothing under the theory
    reversed_weights: tuple[ReversedWeight, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON; parts that were not given are left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def horizon_days(forecast: Forecast) -> list[dt.date]:
    """Return the last day of each headline window, the last one that of the whole forecast.

    A window ends with the last period that is over so many days after the as-of date, which may lie
    in an unfinished period.
    """
    step = forecast.posterior.inputs.step_days
    ends = (later(forecast.dates, 1, step) - np.timedelta64(1, "D")).tolist()
    gap = 0 if forecast.left_out is None else forecast.left_out.days
    picks = {int((days + gap) // step) for days in HORIZONS} & set(range(1, len(ends)))
    return [ends[k - 1] for k in sorted({*picks, len(ends)})]


def _beliefs(forecast: Forecast) -> Parts:
    """Return mean and interval of both beliefs at the origin."""
    history = forecast.paths.history_belief
    if history is None:
        return ()
    p, tail = logistic(np, history[..., -1]), (1.0 - INTERVAL) / 2.0
    numbers = p.mean(axis=0), *np.quantile(p, [tail, 1.0 - tail], axis=0)
    return tuple(
        {"side": side, "mean": float(mean), "lower": float(low), "upper": float(high)}
        for side, mean, low, high in zip(forecast.posterior.structure.sides, *numbers, strict=True)
    )


def _endings(forecast: Forecast, windows: list[dt.date]) -> Parts:
    """Return how the truce in force first ends, where there is one and actions were simulated."""
    posterior, base = forecast.posterior, forecast.base_paths
    known = ("collapse", None) in headline(forecast)
    if not known or not spell_at(posterior.study, posterior.inputs).on:
        return ()
    assert base is not None
    steps = [forecast.step_of(by) - 1 for by in windows]
    mine, theirs = (cumulative_incidence(p)[:, steps].tolist() for p in (forecast.paths, base))
    return tuple(
        {"cause": cause, "by": by, "p": mine[c][k], "base_rate": theirs[c][k]}
        for k, by in enumerate(windows)
        for c, cause in enumerate(CAUSES)
    )


def _settlement(forecast: Forecast, windows: list[dt.date]) -> Parts:
    """Return the base rate of a settlement, which is not modelled, by every window.

    Cumulative incidence in crises as old as the first war or truce regime in force; of a study
    without any, as old as its period.
    """
    inputs, origin = forecast.posterior.inputs, forecast.posterior.origin.astype(object)
    kinds = np.asarray(inputs.regime_kinds)[inputs.regime[inputs.active]]
    fought = np.isin(kinds, ("war", "truce"))
    calm = np.flatnonzero(fought.any() & ~fought)
    begun = calm[-1] + 1 if len(calm) else 0
    age = (origin - inputs.dates[begun].astype(object)).days if begun < len(kinds) else 0
    label = load_pooled("agreement").label
    causes = [(load_pooled(name), dict[str, float]()) for name in ("agreement", "other_end")]
    since = "at the origin" if fought.any() else "if it began with the period: no regime is given"
    source = f"{label}, pooled; crisis {counted(age, 'day')} old {since}"
    named = {"target": "settlement", "base_rate_source": source}
    return tuple(
        {**named, "by": by, "base_rate": incidence(causes, age, (by - origin).days)[0]}
        for by in windows
    )


def summarise(forecast: Forecast) -> dict[str, Any]:
    """Return the forecast document as plain data, as in ``forecast.json``.

    Every probability stands beside its error and its base rate.

    Parameters
    ----------
    forecast
        From `beliefs.forecast`.

    Returns
    -------
    dict
        Dates are text, probabilities and beliefs shares from 0 to 1.

    Examples
    --------
    >>> beliefs.summarise(ahead)["theory"]
    'base_rate'
    """
    posterior = forecast.posterior
    study, theory = posterior.study, posterior.theory
    windows = horizon_days(forecast)
    what_ifs, actions = forecast.interventions, forecast.action_draws is not None
    found = {
        "format": FORMAT,
        "study": study.spec.name, "study_sha256": study.sha256,
        "as_of": study.as_of.astype(object), "origin": posterior.origin.astype(object),
        "theory": theory.name, "theory_sha256": theory.sha256,
        "hindcast": bool(study.spec.hindcast),
        "seed": {"fit": int(posterior.seed), "forecast": forecast.seed},
        "convergence": posterior.report.as_dict() | {"failures": posterior.report.failures},
        "allowed_failed": forecast.allowed_failed,
        "interventions": tuple(item.label for item in what_ifs),
        "interval": INTERVAL, "belief": _beliefs(forecast),
        "targets": tuple(  # beliefs and talks by every window, then actions
            probability(forecast, name, side=side, by=by, rule=rule)
            for of_actions in (False, True)
            for by in windows
            for name, side in headline(forecast)
            for rule in TARGETS[name].rules
            if (TARGETS[name].kind == "actions") == of_actions
        ),
        "crack_grid": tuple(
            probability(forecast, "crack", side=side, by=windows[-1], threshold=p, periods=d)
            for side in (posterior.structure.sides if theory.beliefs else ())
            for p in study.spec.crack.grid_thresholds
            for d in study.spec.crack.grid_periods
        ),
        "reference": _settlement(forecast, windows),
        "left_out": forecast.left_out, "informed": theory.informed,
        "endings": _endings(forecast, windows),
        "notes": tuple(without_effect(theory, posterior.structure, what_ifs, actions=actions)),
        "reversed_weights": tuple(
            {"term": term, "mean": float(mean), "p_other_sign": float(share)}
            for term, mean, share in reversed_weights(posterior)
        ),
    }  # fmt: skip
    fields = Document.model_fields
    said = {name: part for name, part in found.items() if part or fields[name].is_required()}
    return Document.model_validate(said).as_dict()


def differences(with_it: Forecast, without: Forecast) -> list[dict[str, Any]]:
    """Return how each headline probability moves, with the error of the paired difference.

    Both are from one posterior with one seed, so that future k of one is future k of the other but
    for the intervention. Beside the targets of the forecast: an action in each zone that an
    intervention speaks of.
    """
    if with_it.seed != without.seed or with_it.posterior is not without.posterior:
        raise ValueError("paired differences need one posterior and one seed")
    if with_it.action_draws is not without.action_draws:
        raise ValueError("paired differences need the same draws of actions")
    actions, rows, both = with_it.paths.events or {}, [], (with_it, without)
    spoken = dict.fromkeys(i.zone for i in with_it.interventions if "zones" in actions)
    zones = {zone: with_it.posterior.structure.zones.index(zone) for zone in spoken if zone}
    for by in horizon_days(with_it):
        steps = with_it.step_of(by)
        items = {
            (target, side): [happened_by(f, target, steps, side) for f in both]
            for target, side in headline(with_it)
        } | {
            (f"action in {zone}", None): [
                (f.paths.events or {})["zones"][:, place, :steps].any(axis=-1) for f in both
            ]
            for zone, place in zones.items()
        }
        for (target, side), happened in items.items():
            a, b = (values.astype(float) for values in happened)
            error = mcse_of(a - b, with_it.chains)
            mean = {"p": a.mean(), "without": b.mean(), "difference": (a - b).mean()}
            rows.append(_row(target, side, by, mean | {"mcse": error}))
    return rows


def moved(then: Forecast, now: Forecast) -> list[dict[str, Any]]:
    """Return how each headline probability of a forecast moves until a later one is made.

    Both are of one study under theories with the same targets. Rows are of the dates of the earlier
    one that had yet to come at the later origin. Each counts what happens after its own origin:
    what came true in between counts for `then` alone.
    """
    rows, later = [], set(headline(now))
    wanted = [item for item in headline(then) if item in later]
    for by in horizon_days(then):
        if np.datetime64(by) <= now.posterior.origin:
            continue
        for target, side in wanted:
            a, b = (happened_by(f, target, f.step_of(by), side).astype(float) for f in (then, now))
            errors = mcse_of(a, then.chains), mcse_of(b, now.chains)
            mean = {"then": a.mean(), "now": b.mean(), "difference": b.mean() - a.mean()}
            rows.append(_row(target, side, by, mean | {"mcse": np.hypot(*errors)}))
    return rows


def _row(target: str, side: str | None, by: dt.date, numbers: dict[str, Any]) -> dict[str, Any]:
    rounded = {name: round(float(value), 6) for name, value in numbers.items()}
    return {"target": target, "side": side, "by": by.isoformat(), **rounded}
