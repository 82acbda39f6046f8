"""Draw studies from every theory, compare all theories on each, and write who won.

Parameters are drawn from the posterior of the theory on the study, so that effects are of the size
that the study itself finds. Killed, it goes on where it stopped: every finished study is a line of
the file beside the result.

    python scripts/model_recovery.py --studies 50 --out recovery.json
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from duel import simulate_whole

import beliefs
from beliefs.evaluation.compare import STACK, compare
from beliefs.features.inputs import build_inputs
from beliefs.inference.smc.blocks import track_blocks

IDS = ("M0", "M1", "M2", "M3", "M4")


def recover(study, truth, theories, params, *, seed, particles=400):
    """Draw a study from a theory, of one draw of its parameters, and compare theories on it."""
    inputs = build_inputs(study)
    rng = np.random.default_rng([seed, 1])
    draws = dict(params)
    if truth.beliefs:
        draws["innovation"] = rng.standard_normal((2, len(inputs.dates)))
    drawn, _ = simulate_whole(inputs, truth, draws, rng)
    return compare(study, theories, seed=seed, particles=particles, inputs=drawn)


def winner(comparison):
    """Return the id of the theory that forecast best, the stack apart."""
    return next(row.id for row in comparison.table if row.id != STACK)


def confusion(winners, ids):
    """Return shares (truth, winner) from the ids of the winners by the theory that drew."""
    shares = [[winners[t].count(j) / max(len(winners[t]), 1) for j in ids] for t in ids]
    return np.asarray(shares)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--study", default="us-iran-2026")
    options.add_argument("--studies", type=int, default=50, help="from each theory")
    options.add_argument("--particles", type=int, default=400)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--theories", default=",".join(IDS), help="which of them draw studies")
    options.add_argument("--out", type=Path, required=True)
    chosen = options.parse_args()
    lines = chosen.out.with_suffix(".jsonl")
    done = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    known = {(row["truth"], row["seed"]): row for row in done}
    study = beliefs.load_study(chosen.study)
    theories = [beliefs.load_theory(name) for name in IDS]
    for truth in theories:
        # One number of a study for all theories keeps seeds apart: 1000 for each theory.
        first = 1000 * IDS.index(truth.id) + chosen.seed
        seeds = [s for s in range(first, first + chosen.studies) if (truth.id, s) not in known]
        if not seeds or truth.id not in chosen.theories.split(","):
            continue
        source = track_blocks(study, truth, particles=1000, seed=chosen.seed)
        for seed in seeds:
            begun = time.process_time()
            draws = source.params(1, np.random.default_rng([seed, 2]))
            params = {name: values[0] for name, values in draws.items()}
            found = recover(study, truth, theories, params, seed=seed, particles=chosen.particles)
            pairs = zip(found.ids, found.weights[-1], strict=True)
            row = {
                "truth": truth.id,
                "seed": seed,
                "winner": winner(found),
                "elpd": {r.id: round(r.elpd, 3) for r in found.table},
                "weights": {i: round(float(w), 4) for i, w in pairs},
                "cpu_seconds": round(time.process_time() - begun, 1),
            }
            known[truth.id, seed] = row
            with lines.open("a") as out:
                out.write(json.dumps(row) + "\n")
            print(row["truth"], seed, "->", row["winner"], row["cpu_seconds"], "s", flush=True)
    rows = sorted(known.values(), key=lambda row: (row["truth"], row["seed"]))
    winners = {t: [r["winner"] for r in rows if r["truth"] == t] for t in IDS}
    chosen.out.write_text(
        json.dumps(
            {
                "study": chosen.study,
                "studies": {truth: len(won) for truth, won in winners.items()},
                "particles": chosen.particles,
                "seed": chosen.seed,
                "theories": list(IDS),
                "confusion": confusion(winners, IDS).round(4).tolist(),
                "runs": rows,
            },
            indent=1,
        )
        + "\n"
    )
    print(confusion(winners, IDS).round(2))


if __name__ == "__main__":
    main()
