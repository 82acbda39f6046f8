"""Predict gold readings of the American Civil War that a track was not shown, against a walk.

python scripts/civil_war_holdout.py [--study us-civil-war] [--theory M1]

From every fourth week past the first third of the study, the readings of the next four weeks are
predicted, each once. *Forecast*: from what was known in that week. *Given evidence*: battles and
news of the weeks ahead are seen, their readings are hidden. The baseline knows neither evidence nor
model: the last reading plus a normal walk whose steps are as large as those before.
"""

import argparse

import numpy as np
import pandas as pd

import beliefs
from beliefs.evaluation.scores import proper
from beliefs.evaluation.scores.skill import TAIL, skill
from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.mechanisms import readings
from beliefs.model.structure import columns
from beliefs.simulation.paths import draws_of

CHANNEL, AHEAD, DRAWS, SEED = "market", 4, 2000, 1865


def walk(rng, before, steps):
    """Draw a series' values some steps after its last one, (draw, step), or None if it is short."""
    seen = np.flatnonzero(~np.isnan(before))
    if len(seen) < 3:
        return None
    variance = np.mean(np.diff(before[seen]) ** 2 / np.diff(seen))
    spread = np.sqrt(variance * (len(before) - 1 - seen[-1] + steps))
    return before[seen[-1]] + spread * rng.standard_normal((DRAWS, len(steps)))


def predicted(posterior, whole, origin, rng):
    """Return readings of the channel after an origin, by way, each (draw, side, AHEAD)."""
    draws = draws_of(posterior, "posterior", False)
    structure = posterior.structure
    params = stacked_params(posterior.theory, structure, draws.params)
    later = {
        k: v[..., origin + 1 : origin + 1 + AHEAD]
        for k, v in columns(whole).items()
        if not k.startswith("cell_")
    }
    moves = params | {"innovation": rng.standard_normal((len(draws.logit_belief), 2, AHEAD))}
    given = system.evaluate(np, moves, later, structure, draws.start).logit_belief
    future = beliefs.forecast(
        posterior, AHEAD, seed=SEED, allow_failed=True, actions=False, baselines=False
    ).paths.logit_belief
    cells = np.indices((2, AHEAD)).reshape(2, -1)
    channel = structure.channels.index(CHANNEL)
    kind = structure.channel_bias[channel]
    read = {
        "cell_side": cells[0], "cell_time": cells[1], "cell_channel": np.full(2 * AHEAD, channel),
        "cell_private": np.full(2 * AHEAD, 1.0 * (kind == "private")),
        "cell_public": np.full(2 * AHEAD, 1.0 * (kind == "public")),
    }  # fmt: skip
    return {
        way: readings.simulate(rng, params, read, path, structure).reshape(-1, 2, AHEAD)
        for way, path in (("forecast", future), ("given evidence", given))
    }


def main() -> None:
    """Print coverage, width and CRPS by way and side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="us-civil-war")
    parser.add_argument("--theory", default="M1")
    chosen = parser.parse_args()
    study = beliefs.load_study(chosen.study)
    whole = beliefs.build_inputs(study)
    said = whole.reading[:, whole.channels.index(CHANNEL)]
    found = beliefs.track(study, chosen.theory, seed=SEED)
    rows, passed = [], []
    for origin in range(found.n_time // 3, found.n_time - AHEAD, AHEAD):
        rng = np.random.default_rng([SEED, origin])
        passed.append(found.report(origin).passed)
        ways = predicted(found.at(found.ends[origin], draws=DRAWS), whole, origin, rng)
        for side, name in enumerate(whole.sides):
            theirs = walk(rng, said[side, : origin + 1], np.arange(1, AHEAD + 1))
            truth = said[side, origin + 1 : origin + 1 + AHEAD]
            seen = ~np.isnan(truth)
            if theirs is None or not seen.any():
                continue
            for way, drawn in ways.items():
                row = {"prediction": way, "side": name, "origin": origin, "n": int(seen.sum())}
                for who, draws in (("model", drawn[:, side]), ("walk", theirs)):
                    low, high = np.quantile(draws[:, seen], [TAIL, 1.0 - TAIL], axis=0)
                    inside = (low <= truth[seen]) & (truth[seen] <= high)
                    row[f"in 90 % ({who})"] = inside.mean()
                    row[f"width ({who})"] = (high - low).mean()
                    row[f"CRPS ({who})"] = proper.crps(draws[:, seen], truth[seen]).mean()
                rows.append(row)
    table = pd.DataFrame(rows)
    both = table.groupby(["prediction", "origin"], as_index=False).agg(
        {"n": "sum"} | {k: "mean" for k in table.columns if k.endswith(")")}
    )
    table = pd.concat([table, both.assign(side="both")])
    print(f"{len(passed)} origins, {sum(passed)} converged, {AHEAD} weeks ahead of each")
    print("| prediction | side | n | in 90 % (model) | (walk) | width (model) | (walk) ", end="")
    print("| CRPS (model) | (walk) | better by, 90 % |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (way, side), each in table.groupby(["prediction", "side"]):
        losses = (each[f"CRPS ({who})"].to_numpy() for who in ("model", "walk"))
        gap = skill(*losses, overlap=1, seed=SEED)
        mean = each.mean(numeric_only=True)
        print(
            f"| {way} | {side} | {each['n'].sum():.0f} | {mean['in 90 % (model)']:.0%} "
            f"| {mean['in 90 % (walk)']:.0%} | {mean['width (model)']:.2f} "
            f"| {mean['width (walk)']:.2f} | {gap.mean:.3f} | {gap.reference:.3f} "
            f"| {gap.difference:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] |"
        )


if __name__ == "__main__":
    main()
