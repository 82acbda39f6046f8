"""Sample the pooled base rates anew and write data/pooled.

python scripts/pool_base_rates.py [--out DIR] [--sensitivity]

With --sensitivity nothing is written: first talks are fitted to verified wars alone, with the days
of unverified wars moved by up to a week, and with other priors of the spread between wars.
"""

import argparse
import csv
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from pooled_scores import TRUSTED_K, compare, leave_one_out
from pooling import SCALES, PooledFit, fit_pooled
from spells import Spells, crisis_spells, talk_spells

from beliefs.model.pooled import AGE_BINS, CLASSES, PooledHazard

SEED = 1846
DRAWS = 500  # kept, evenly thinned
CELLS = {
    "talks": ("us_actor", "since_1945"),
    "agreement": ("war", "mediated"),
    "other_end": ("war", "mediated"),
}
ROOT = Path(__file__).resolve().parent.parent


def spells_of(name: str) -> Spells:
    return talk_spells() if name == "talks" else crisis_spells(name)


def thinned(fit: PooledFit) -> np.ndarray:
    """Columns of the CSV file: log hazards by age, effects, frailty."""
    posterior = fit.tree["posterior"]
    flat = [
        np.asarray(posterior[name]).reshape(posterior.sizes["chain"] * posterior.sizes["draw"], -1)
        for name in ("age", "effect", "frailty")
    ]
    table = np.concatenate(flat, axis=1)
    return table[np.linspace(0, len(table) - 1, DRAWS).round().astype(int)]


def figures(draws: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(draws, [0.05, 0.95])
    return {
        "mean": round(float(draws.mean()), 3),
        "sd": round(float(draws.std()), 3),
        "q05": round(float(low), 3),
        "q95": round(float(high), 3),
    }


def about(name: str, fit: PooledFit) -> dict[str, object]:
    """What summary.json says of a class."""
    spells, posterior = fit.spells, fit.tree["posterior"]
    effect = np.asarray(posterior["effect"])
    age = np.asarray(posterior["age"])
    scores, k = leave_one_out(fit, seed=SEED + 1)
    return {
        "label": spells.label,
        "conflicts": len(spells.names),
        "events": int(spells.event.sum()),
        "days": float(spells.days.sum()),
        "source_sha256": spells.sha256,
        "log_hazard_per_day": [
            {"age": [low, high if np.isfinite(high) else None]} | figures(age[..., b])
            for b, (low, high) in enumerate(pairwise(AGE_BINS))
        ],
        "covariates": {
            covariate: {"class_mean": round(float(mean), 6)} | figures(effect[..., j])
            for j, (covariate, mean) in enumerate(zip(spells.covariates, spells.mean, strict=True))
        },
        "frailty": figures(np.asarray(posterior["frailty"])),
        "convergence": fit.convergence.as_dict(),
        "largest_pareto_k": round(float(k.max()), 3),
        "sampled_anew_without": [spells.names[i] for i in np.flatnonzero(k > TRUSTED_K)],
        "leave_one_conflict_out": [
            {
                "against": s.against,
                **{
                    field: round(getattr(s, field), 4)
                    for field in ("pooled", "unpooled", "difference", "lower", "upper")
                },
            }
            for s in compare(spells, scores, CELLS[name], seed=SEED)
        ],
    }


def write(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    classes = {}
    for name in CLASSES:
        fit = fit_pooled(spells_of(name), seed=SEED)
        classes[name] = about(name, fit)
        print(name, json.dumps(classes[name], indent=1))
        if not fit.convergence.passed:
            raise SystemExit(f"{name}: {'; '.join(fit.convergence.failures)}")
        with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            ages = [f"age_{b}" for b in range(len(AGE_BINS) - 1)]
            writer.writerow([*ages, *fit.spells.covariates, "frailty"])
            writer.writerows([f"{value:.3f}" for value in row] for row in thinned(fit))
    document = {"made_by": "scripts/pool_base_rates.py", "seed": SEED, "classes": classes}
    (out / "summary.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def sensitivity() -> None:
    every, checked = talk_spells(), talk_spells(verified_only=True)
    rng = np.random.default_rng([SEED, 3])
    unsure = ~np.isin(every.names, checked.names)
    moved = np.maximum(every.days + unsure * rng.integers(-7, 8, size=len(unsure)), 1.0)
    trials = (
        ("as shipped", every, {}),
        ("verified wars only", checked, {}),
        ("days of unverified wars moved", replace(every, days=moved), {}),
        ("prior of frailty half as wide", every, {"frailty": 0.5}),
        ("prior of frailty twice as wide", every, {"frailty": 2.0}),
        ("prior of age effects twice as wide", every, {"age_scale": 1.0}),
    )
    for title, spells, scales in trials:
        fit = fit_pooled(spells, seed=SEED, scales={**SCALES, **scales})
        posterior = fit.tree["posterior"]
        flat = {
            name: np.asarray(posterior[name]).reshape(-1, *posterior[name].shape[2:])
            for name in ("age", "effect", "frailty")
        }
        pooled = PooledHazard(spells.label, spells.covariates, spells.mean, **flat)
        result = pooled.log_odds(1.0, 180.0)
        print(
            f"{title}: {len(spells.names)} wars, {spells.event.sum()} with talks, frailty "
            f"{flat['frailty'].mean():.2f} (sd {flat['frailty'].std():.2f}); "
            f"log-odds per day over half a year {result.mean:.2f} (sd {result.stdev:.2f}); "
            f"convergence {'passed' if fit.convergence.passed else 'failed'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "pooled")
    parser.add_argument("--sensitivity", action="store_true")
    chosen = parser.parse_args()
    sensitivity() if chosen.sensitivity else write(chosen.out)


if __name__ == "__main__":
    main()
