r"""Count how often crises move into open war, and write data/pooled/phases.json.

    python scripts/pool_phases.py [--out FILE]

A week of a crisis (`data/panels/crises`) is one of open war if a force of either side used force of
severity 3 or more in it or in the three weeks before. The moves of conflict c in its t other weeks
are Poisson,

.. math:: k_c \sim Poisson(t_c e^{\mu + \sigma z_c}), \quad z_c \sim N(0, 1), \quad
          \mu \sim N(-3.5, 2), \quad \sigma \sim N^+(0, 1)

on a grid of :math:`\mu` and :math:`\sigma`. What is written is the log hazard of a conflict that
nobody saw: its mean, and its standard deviation with :math:`\sigma` in it. How long
open war lasts is not counted: most such spells are as long as the three weeks make them.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.special import gammaln, logsumexp

from beliefs.features.steps import recent
from beliefs.model.pooled import quadrature
from beliefs.study.bundled import data_folder
from beliefs.study.load import known_at_end
from beliefs.study.panels import load_panel

SEVERE, WEEKS = 3.0, 3
MEAN, SPREAD = np.linspace(-8.0, 1.0, 181), np.linspace(0.02, 3.0, 75)


def at_war(name: str) -> np.ndarray:
    """Return which weeks of a crisis are weeks of open war, (time,)."""
    study = known_at_end(f"crises/{name}")
    rows = study.tables.events.where(initiator=("a", "b"), kind=study.spec.kinetic)
    grid = study.grid.backwards(study.grid.start - np.timedelta64(7 * WEEKS, "D"))
    period = grid.index(rows.take(rows["severity"] >= SEVERE)["published_at"])
    used = np.bincount(period[(period >= 0) & (period < grid.n)], minlength=grid.n) > 0
    return ((recent(used, WEEKS) > 0) | used)[-study.grid.n :]


def pooled(moves: np.ndarray, weeks: np.ndarray) -> dict[str, float]:
    """Return mean and spread of the log hazard of a new conflict, from moves and weeks of each."""
    places, weights = quadrature()
    log = MEAN[:, None, None] + SPREAD[:, None] * places
    total = -0.5 * ((MEAN + 3.5) / 2.0) ** 2 + np.zeros((1, 1))
    total = total.T - 0.5 * SPREAD**2
    for k, t in zip(moves, weeks, strict=True):
        each = k * (log + np.log(t)) - t * np.exp(log) - gammaln(k + 1.0)
        total = total + logsumexp(each, axis=-1, b=weights)
    p = np.exp(total - logsumexp(total))
    mean = float((p.sum(axis=1) * MEAN).sum())
    variance = (p * ((MEAN[:, None] - mean) ** 2 + SPREAD**2)).sum()
    return {"mean": round(mean, 3), "sd": round(float(np.sqrt(variance)), 3)}


def main() -> None:
    """Count, pool, and write what `beliefs.model.pooled` reads."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=data_folder() / "pooled" / "phases.json")
    out, wars = parser.parse_args().out, [at_war(name) for name in load_panel("crises").conflicts]
    weeks = np.array([(~war[:-1]).sum() for war in wars])
    moves = np.array([(~war[:-1] & war[1:]).sum() for war in wars])
    said = {
        "made_by": "scripts/pool_phases.py", "conflicts": len(wars), "weeks": int(weeks.sum()),
        "moves": int(moves.sum()), "phase_down": pooled(moves[weeks > 0], weeks[weeks > 0]),
    }  # fmt: skip
    out.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
