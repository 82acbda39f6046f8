"""Coupled futures (acts, truces, deals, beliefs, talks): processor seconds, against random numbers.

python benchmarks/coupled.py [STUDY] [--theory mutual_optimism] [--draws 4000] [--horizon 90]
    [--rounds 3] [--small]

Draws of beliefs come from the prior, through the package's own functions; draws of actions are
those of its blocks. Timed is the processor time of one set of futures on one core: the coupled
system, beliefs and talks alone, and drawing as many random numbers as the coupled system takes.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from kit import timing

import beliefs
from beliefs.features.inputs import build_inputs
from beliefs.inference.action_draws import action_draws
from beliefs.inference.diagnose import diagnose
from beliefs.inference.posterior import Posterior, draw_prior, draws_tree
from beliefs.model.structure import structure_of
from beliefs.simulation.paths import draws_of, future_dates, simulate
from beliefs.simulation.state import PARTS, Streams, setting_of

COUPLED, ALONE, NUMBERS = "coupled", "beliefs and talks alone", "random numbers alone"
PAIRS = ("strikes", "severity", "touch", "crossing", "command", "concession", "reversal")


def prior_posterior(study: Any, theory: Any, draws: int, seed: int) -> Posterior:
    """A posterior whose draws are those of the prior."""
    inputs, size, rng = build_inputs(study), (4, draws // 4), np.random.default_rng(seed)
    found = draw_prior(theory, structure_of(inputs), rng, size)
    stats = {
        "diverging": np.zeros(size, dtype=bool), "energy": rng.normal(size=size),
        "n_steps": np.full(size, 7), "step_size": np.full(size, 0.5),
    }  # fmt: skip
    tree = draws_tree(study, inputs, theory, found, stats)
    return Posterior(study, inputs, theory, tree, diagnose(tree), seed, {})


def numbers(posterior: Posterior, draws: int, horizon: int, seed: int) -> None:
    """Draw what coupled futures draw, and nothing else."""
    setting = setting_of(posterior.study, posterior.inputs, posterior.theory)
    streams, fed = Streams(seed, draws), len(setting.feed.indicator)
    widths = dict.fromkeys(PAIRS, (2,)) | {
        "zones": (len(setting.structure.zones),),
        "share": (fed,),
    }
    streams.of("innovation").normal(size=(draws, 2, horizon))
    streams.of("talks").random((draws, horizon))
    for _ in range(horizon):
        streams.normal("severity", 2)
        for part in PARTS[4:]:
            streams.uniform(part, *widths.get(part, ()))


def processor(task: Callable[[], Any], rounds: int) -> list[float]:
    """Processor seconds of each round."""
    out = []
    for _ in range(rounds):
        began = time.process_time()
        task()
        out.append(time.process_time() - began)
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="us-iran-2026")
    parser.add_argument("--theory", default="mutual_optimism")
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="400 draws, horizon 30, 2 rounds")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.draws, chosen.horizon, chosen.rounds = 400, 30, 2
    study, theory = beliefs.load_study(chosen.study), beliefs.load_theory(chosen.theory)
    posterior = prior_posterior(study, theory, chosen.draws, chosen.seed)
    action_draws(posterior, "posterior", particles=400)
    dates = future_dates(posterior.inputs, chosen.horizon)

    def run(acts: bool) -> Any:
        drawn = draws_of(posterior, "posterior", acts)
        return simulate(posterior, drawn, dates, chosen.seed, (), True)

    tasks = {
        COUPLED: lambda: run(True),
        ALONE: lambda: run(False),
        NUMBERS: lambda: numbers(posterior, chosen.draws, chosen.horizon, chosen.seed),
    }
    for task in tasks.values():
        task()  # what has to be loaded, once
    times = {name: processor(task, chosen.rounds) for name, task in tasks.items()}
    print(f"{timing.machine()}\n{chosen.study}, {theory.name}: ", end="")
    print(f"{chosen.draws} draws, {chosen.horizon} periods ahead\n")
    timing.table(
        ["", "processor seconds", "path-steps per second", "times as long as random numbers"],
        [
            [
                name, f"{np.median(taken):.3f}",
                f"{chosen.draws * chosen.horizon / np.median(taken):,.0f}",
                f"{timing.ratio(times, name, NUMBERS):.3g}",
            ]
            for name, taken in times.items()
        ],
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
