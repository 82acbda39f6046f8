r"""Sample the hazard of truces collapsing anew and write data/pooled/truces.json.

    python scripts/pool_truces.py [--out FILE]

Mutual ceasefires of civil conflicts (`data/panels/ceasefires`) collapse by the equation of
`beliefs.model.mechanisms.truce`, a Weibull hazard in age, with a frailty of each conflict:

.. math:: \log h(a) = \beta + \sigma z_c + s + (e^s - 1) \log a

with a in weeks. A truce that runs out, is followed by another or still holds is censored then; one
whose end is unknown says nothing. Every conflict is also predicted from all others, against a
constant hazard with the same frailty and against one rate for all.
"""

import argparse
import csv
import datetime as dt
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pooled_scores import DAYS, EVENTS, TRUSTED_K
from scipy.special import gammaln, logsumexp

from beliefs.evaluation.scores.skill import TAIL, block_sums
from beliefs.inference.diagnose import diagnose
from beliefs.model.pooled import quadrature
from beliefs.model.priors import no_fastmath
from beliefs.study.bundled import data_folder

SEED, LAST = 1846, dt.date(2020, 12, 31)
FIRST_DAY = 0.5 / 7.0  # weeks that one which ended on its first day lasted
PRIORS = {"base": (-3.3, 1.5), "shape": (0.0, 0.5), "frailty": 1.0}
"""Log hazard per week at a week, log shape, and the scale of the spread between conflicts."""


def spells() -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Return conflicts, and by ceasefire the place of its own, weeks and whether it collapsed."""
    rows = []
    with (data_folder() / "panels" / "ceasefires" / "agreements.csv").open() as handle:
        for row in csv.DictReader(handle):
            if row["mutual"] == "1" and row["end_kind"] != "unknown":
                end = dt.date.fromisoformat(row["ended"]) if row["ended"] else LAST
                days = (end - dt.date.fromisoformat(row["date"])).days
                rows.append((row["conflict"], days / 7.0, row["end_kind"] == "collapse"))
    names = sorted({name for name, *_ in rows})
    of, weeks, event = zip(*rows, strict=True)
    place = np.array([names.index(name) for name in of])
    return names, place, np.maximum(np.array(weeks), FIRST_DAY), np.array(event)


def log_likelihood(xp: Any, base: Any, shape: Any, frailty: Any, data: Sequence[Any]) -> Any:
    """Return the log likelihood of each conflict, frailty integrated out, (..., conflict)."""
    names, place, weeks, event = data
    of = (np.arange(len(names))[:, None] == place).astype(float)
    log_age, growth = np.log(weeks), xp.exp(shape)[..., None]
    hazard = base[..., None] + shape[..., None] + (growth - 1.0) * log_age
    total = xp.dot(xp.exp(base[..., None] + growth * log_age), of.T)
    at, counts = xp.dot(hazard * event, of.T), of @ event
    nodes, weights = quadrature()
    shift = frailty[..., None, None] * nodes
    inside = at[..., None] + counts[:, None] * shift - total[..., None] * xp.exp(shift)
    inside = inside + np.log(weights)
    top = xp.max(inside, axis=-1, keepdims=True)
    return top[..., 0] + xp.log(xp.sum(xp.exp(inside - top), axis=-1))


@no_fastmath
def fit(data: Sequence[Any], *, constant: bool) -> Any:
    """Sample the hazard, and return its posterior with the log likelihood by conflict."""
    import arviz as az
    import nutpie
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        base = pm.Normal("base", *PRIORS["base"])
        shape = pt.zeros(()) if constant else pm.Normal("shape", *PRIORS["shape"])
        frailty = pm.HalfNormal("frailty", PRIORS["frailty"])
        pm.Potential("truces", log_likelihood(pt, base, shape, frailty, data).sum())
    raw = nutpie.sample(
        nutpie.compile_pymc_model(model), draws=1000, tune=1000, chains=4, seed=SEED,
        target_accept=0.95, save_warmup=False, progress_bar=False,
    )  # fmt: skip
    names = ["base", "frailty"] if constant else ["base", "shape", "frailty"]
    draws = {name: np.asarray(raw["posterior"][name]) for name in names}
    shape = np.zeros_like(draws["base"]) if constant else draws["shape"]
    each = log_likelihood(np, draws["base"], shape, draws["frailty"], data)
    stats = {name: np.asarray(raw["sample_stats"][name]) for name in ("diverging", "energy")}
    tree = az.from_dict(
        {"posterior": draws, "sample_stats": stats, "log_likelihood": {"truces": each}}
    )
    report = diagnose(tree)
    if not report.passed:
        raise SystemExit("; ".join(report.failures))
    return tree


def one_rate(data: Sequence[Any]) -> np.ndarray:
    """Return each conflict's log score from the rate of all others, (conflict,)."""
    names, place, weeks, event = data
    own = np.bincount(place, event, len(names)), np.bincount(place, weeks, len(names))
    shape, rate = EVENTS + own[0].sum() - own[0], DAYS / 7.0 + own[1].sum() - own[1]
    scored = gammaln(shape + own[0]) - gammaln(shape) + shape * np.log(rate)
    return np.asarray(scored - (shape + own[0]) * np.log(rate + own[1]))


def left_out(tree: Any, data: Sequence[Any], *, constant: bool) -> np.ndarray:
    """Return each conflict's log score given all others: by PSIS, anew where k is too large."""
    import arviz as az

    with warnings.catch_warnings():  # of large k, which are seen to below
        warnings.filterwarnings("ignore", "Estimated shape parameter", UserWarning)
        found = az.loo(tree, pointwise=True, var_name="truces")
    scores, (names, place, weeks, event) = np.array(found.elpd_i), data
    for k in np.flatnonzero(np.array(found.pareto_k) > TRUSTED_K):
        rest = names, place[place != k], weeks[place != k], event[place != k]
        draws = fit(rest, constant=constant)["posterior"]
        shape = 0.0 * draws["base"] if constant else draws["shape"]
        given = (np.asarray(v) for v in (draws["base"], shape, draws["frailty"]))
        each = log_likelihood(np, *given, data)[..., k]
        scores[k] = logsumexp(each) - np.log(each.size)
    return scores


def main() -> None:
    """Fit, score, and write what `beliefs.model.pooled` reads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=data_folder() / "pooled" / "truces.json")
    out, data = parser.parse_args().out, spells()
    aged, flat = (fit(data, constant=constant) for constant in (False, True))
    ours, rng, against = left_out(aged, data, constant=False), np.random.default_rng(SEED), {}
    for name, theirs in (("a constant hazard", left_out(flat, data, constant=True)),
                         ("one rate", one_rate(data))):  # fmt: skip
        gain = ours - theirs
        low, high = np.quantile(block_sums(gain, 1, rng, samples=10_000), [TAIL, 1.0 - TAIL])
        against[name] = {k: round(float(v), 1) for k, v in
                         (("nats", gain.sum()), ("low", low), ("high", high))}  # fmt: skip
    draws = {name: np.asarray(v).ravel() for name, v in aged["posterior"].data_vars.items()}
    new = draws["base"] + draws["frailty"] * rng.normal(size=draws["base"].size)
    figures = {"collapse_base": new, "collapse_shape": draws["shape"], "frailty": draws["frailty"]}
    said = {
        "made_by": "scripts/pool_truces.py", "seed": SEED, "conflicts": len(data[0]),
        "truces": len(data[1]), "collapses": int(data[3].sum()),
        **{k: {"mean": round(float(v.mean()), 3), "sd": round(float(v.std()), 3)}
           for k, v in figures.items()},
        "leave_one_conflict_out": against,
    }  # fmt: skip
    out.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
