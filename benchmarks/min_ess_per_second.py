"""Effective draws per second of `fit` against the plain model under four samplers' defaults.

python benchmarks/min_ess_per_second.py [STUDY] [--samplers pymc nutpie ...] [--limit 300]

The plain model is the same posterior as a textbook would write it (`kit/plain.py`), with the
package's own compiled recursion, so that what is compared is the sampler's coordinates and
settings. The effective sample size is the smallest, bulk, of all free parameters; innovations are
left out, and the path of belief they make is given apart. Each run is a process of its own, stopped
at the limit with the draws it has; numpyro and blackjax hand nothing back until they are done. They
and jax have to be installed (pip install '.[benchmarks]').

Rates are by wall clock; by seconds of processor, which a busy machine lengthens less, beside them.
An effective sample size says nothing where chains disagree: see the column of R-hat.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from kit import timing

import beliefs
from beliefs.features.inputs import build_inputs
from beliefs.model.structure import columns, structure_of

FIT = "fit"
QUICK = "synthetic-duel"


def one_run(sampler: str, study: str, seed: int, limit: float) -> dict[str, Any]:
    """Sample once and say how it went."""
    import arviz as az
    import xarray as xr
    from kit.plain import SAMPLERS, plain_model, with_beliefs

    loaded, theory = beliefs.load_study(study), beliefs.load_theory("mutual_optimism")
    began = time.perf_counter()
    if sampler == FIT:
        used: dict[str, float] = {}
        found = beliefs.fit(
            loaded, theory, seed=seed,
            progress=lambda stage: used.update({stage: used.get(stage, timing.processor())}),
        )  # fmt: skip
        seconds = {k: found.timings[k] for k in ("compile", "sample")}
        seconds["processor"] = used["evaluate"] - used["sample"]
        posterior = found.tree["posterior"].to_dataset().drop_vars(["surplus", "audience"])
        divergent = float(found.tree["sample_stats"]["diverging"].mean())
    else:
        inputs = build_inputs(loaded)
        structure, cols = structure_of(inputs), columns(inputs)
        model = plain_model(theory, structure, cols)
        draws, diverging, seconds = SAMPLERS[sampler](model, seed, limit)
        posterior = xr.Dataset(
            {
                k: (("chain", "draw", *(f"{k}_{i}" for i in range(v.ndim - 2))), v)
                for k, v in with_beliefs(theory, structure, cols, draws).items()
            }
        )
        divergent = float(np.mean(diverging))
    whole = time.perf_counter() - began
    ess, r_hat = az.ess(posterior, method="bulk"), az.rhat(posterior)
    free = [n for n in posterior.data_vars if n != "logit_belief"]
    return {
        "draws": int(posterior.sizes["chain"] * posterior.sizes["draw"]),
        "ess": float(min(ess[n].min() for n in free)),
        "worst": str(min(free, key=lambda n: float(ess[n].min()))),
        "ess_belief": float(ess["logit_belief"].min()),
        "r_hat": float(max(r_hat[n].max() for n in posterior.data_vars)),
        "divergent": divergent,
        "whole": whole,
        **seconds,
    }


def in_process(sampler: str, chosen: argparse.Namespace, seed: int) -> dict[str, Any] | str:
    """Run `one_run` in a process of its own; returns a word where it gave nothing."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__).resolve()), chosen.study]
    command += ["--one", sampler, "--seed", str(seed), "--limit", str(chosen.limit)]
    grace = chosen.grace
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=chosen.limit + grace, env=env
        )
    except subprocess.TimeoutExpired:
        return f"nothing after {chosen.limit + grace:.0f} s"
    if done.returncode:
        said = [
            line for line in done.stderr.splitlines() if re.match(r"[\w.]+(Error|Exception)", line)
        ]
        return "failed: " + (said or ["no word"])[-1]
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default=QUICK)
    parser.add_argument("--samplers", nargs="*", default=["nutpie", "pymc", "numpyro", "blackjax"])
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of sampling of a run")
    parser.add_argument("--grace", type=float, default=120.0, help="seconds to compile, on top")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="a limit of 60 s")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(one_run(chosen.one, chosen.study, chosen.seed, chosen.limit)))
        return
    if chosen.small:
        chosen.limit = 60.0
    print(f"{timing.machine()}\n{chosen.study}, 4 chains on 2 cores, limit {chosen.limit:.0f} s\n")
    runs: dict[str, list[dict[str, Any]]] = {}
    for k in range(chosen.rounds):
        for sampler in (FIT, *chosen.samplers):
            got = in_process(sampler, chosen, chosen.seed + k)
            if isinstance(got, str):
                print(f"{sampler}: {got}", flush=True)
            else:
                runs.setdefault(sampler, []).append(got)
                print(f"{sampler}: {json.dumps(got)}", flush=True)
    ours = runs.get(FIT, [])
    rows = []
    for sampler, done in runs.items():
        both = list(zip(ours, done, strict=False))
        rates = [r["ess"] / r["sample"] for r in done]
        against = [a["ess"] / a["sample"] / (b["ess"] / b["sample"]) for a, b in both]
        overall = [a["ess"] / a["whole"] / (b["ess"] / b["whole"]) for a, b in both]
        work = [a["ess"] / a["processor"] / (b["ess"] / b["processor"]) for a, b in both]
        last = done[-1]
        rows.append(
            [
                sampler, last["draws"], f"{last['ess']:.0f} ({last['worst']})",
                f"{last['ess_belief']:.0f}", f"{last['r_hat']:.3f}", f"{last['divergent']:.2%}",
                f"{last['compile']:.0f}", f"{last['sample']:.0f}", f"{np.median(rates):.2f}",
                f"{np.median(against):.1f}" if against else "-",
                f"{np.median(work):.1f}" if work else "-",
                f"{np.median(overall):.1f}" if overall else "-",
            ]
        )  # fmt: skip
    print()
    timing.table(
        ["sampler", "draws", "min ESS", "of belief", "R-hat", "divergent", "compile s", "sample s",
         "ESS per s", "`fit` is times as fast", "by seconds of processor",
         "compiling and loading included"],
        rows,
    )  # fmt: skip
    print(f"\n{timing.machine()}")


if __name__ == "__main__":
    main()
