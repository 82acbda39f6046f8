"""Filter steps per second against exact Kalman filters and a particle filter in numba.

python benchmarks/filter_steps.py [STUDY] [--batch 2000] [--beliefs 500] [--rounds 7] [--small]

All take the same linear-Gaussian case: the same particles of parameters, periods and readings. A
step is one period of one particle of parameters. Log likelihoods are compared before anything is
timed; exact filters must agree to 1e-8, or the script exits with 1. cuthbert and dynamax run where
they are installed (pip install '.[benchmarks]').
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from kit import rivals, timing
from kit.linear import linear_case

import beliefs
from beliefs.features.inputs import build_inputs
from beliefs.inference.filter.filter import Model

OURS, EXACT = "the package's filter", 1e-8


def installed(case: Any) -> dict[str, rivals.Filter]:
    """The filters of libraries, by name; one that is not installed is named on the way."""
    wanted: dict[str, Callable[[], rivals.Filter]] = {
        "cuthbert, `filter`": lambda: rivals.of_cuthbert(case, scan_elements=True),
        "cuthbertlib, predict and update": lambda: rivals.of_cuthbert(case, scan_elements=False),
        "dynamax, `lgssm_filter`": lambda: rivals.of_dynamax(case),
    }
    found = {}
    for name, make in wanted.items():
        try:
            found[name] = make()
        except ImportError as missing:
            print(f"{name}: not run, {missing}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="us-iran-2026")
    parser.add_argument("--batch", type=int, default=2000, help="particles of parameters")
    parser.add_argument("--beliefs", type=int, default=500, help="of each in the particle filter")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="a tenth of the particles, 3 rounds")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.batch, chosen.beliefs, chosen.rounds = chosen.batch // 10, chosen.beliefs // 10, 3
    theory = beliefs.load_theory("mutual_optimism")
    model = Model.of(build_inputs(beliefs.load_study(chosen.study)), theory)
    case = linear_case(model, chosen.batch, chosen.seed)
    scores = np.random.default_rng(chosen.seed).standard_normal(
        (chosen.batch, model.coordinates.size)
    )
    n, n_time = case.shape
    print(timing.machine())
    print(
        f"{chosen.study}: {n_time} periods, {int(case.seen.sum())} readings, at most "
        f"{case.seen.shape[1]} in a period; {n} particles of parameters\n"
    )
    exact = {"Kalman filter by hand in numba": rivals.by_hand(case), **installed(case)}
    crowd = f"particle filter in numba, {chosen.beliefs} beliefs each"
    tasks: dict[str, Callable[[], Any]] = {
        OURS: case.ours_in_threads,
        "the same with Student-t readings": lambda: case.ours_in_threads(None),
        "the same, parameters to terms included": lambda: model.replay(scores, n_time),
        **exact,
        crowd: rivals.of_particles(case, chosen.beliefs, chosen.seed),
    }
    mine, bad = tasks[OURS](), False
    for name, task in exact.items():
        miss = float(np.max(np.abs(task() - mine) / np.maximum(1.0, np.abs(mine))))
        bad |= not miss < EXACT
        print(f"log likelihood, {name}: largest relative difference {miss:.1e}")
    # A particle filter is unbiased for the likelihood, so its logarithm lies below by about half
    # its variance: that is added before the mean difference is taken.
    runs = np.stack([rivals.of_particles(case, chosen.beliefs, k)() for k in range(2, 6)])
    miss = runs.mean(axis=0) + 0.5 * runs.var(axis=0, ddof=1) - mine
    median, typical = np.median(np.abs(miss)), np.median(runs.std(axis=0, ddof=1))
    print(f"log likelihood, {crowd}: median difference {median:.2f}, its own sd {typical:.2f}\n")
    times = timing.in_turns(tasks, chosen.rounds)
    timing.table(
        ["filter", "steps per second", "times as long as the package's"],
        [
            [
                name,
                f"{n * n_time / np.median(taken):,.0f}",
                f"{timing.ratio(times, name, OURS):.2f}",
            ]
            for name, taken in times.items()
        ],
    )
    print(f"\n{timing.machine()}")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
