"""Forecast path-steps per second against PyMC, and against drawing the random numbers alone.

python benchmarks/forecast_paths.py [STUDY] [--horizon 90] [--rounds 3] [--small]

A path-step is one period of one future of beliefs and talks: `forecast` without actions and without
baselines (`coupled.py` times those). `pm.sample_posterior_predictive` is given
a PyMC model of the same futures (`kit/future_pymc.py`): same past periods to resample, same
equations, the posterior alone. What differs: talks run in a scan, histories up to the origin, which
`forecast` hands on, are not made, and it compiles in every call. What its draws take once compiled
is given apart: the time from the end of the first draw. Both are compared before they are timed.
"""

import argparse
import logging
import sys
import time
from typing import Any
from unittest.mock import patch

import numpy as np
from kit import timing
from kit.future_pymc import future_model, future_trace

import beliefs
from beliefs.forecasting.forecast import forecast
from beliefs.inference.nuts.sampling import Sampling
from beliefs.simulation.paths import BLOCK

OURS, NUMBERS = "`forecast`", "random numbers alone"
THEIRS, NET = "`pm.sample_posterior_predictive`", "the same once compiled"
LIMIT = 5.0  # standard errors by which the two may differ


class Clock:
    """A compiled function that notes when its first call ended."""

    def __init__(self, function: Any) -> None:
        self.function, self.first = function, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    def __call__(self, *given: Any, **named: Any) -> Any:
        result = self.function(*given, **named)
        self.first = self.first or time.perf_counter()
        return result


def predict(model: Any, trace: Any, seed: int) -> tuple[Any, float]:
    """Futures by PyMC, and the seconds that all draws but the first took."""
    import pymc as pm
    from pymc.sampling import forward

    logging.getLogger("pymc").setLevel(logging.ERROR)  # else it names what it draws
    compiler, clocks = forward.compile_forward_sampling_function, []

    def compile_with_clock(*given: Any, **named: Any) -> Any:
        function, volatile = compiler(*given, **named)
        clocks.append(Clock(function))
        return clocks[0], volatile

    with patch.object(forward, "compile_forward_sampling_function", compile_with_clock):
        tree = pm.sample_posterior_predictive(
            trace, model=model, var_names=["logit_belief", "talks"], random_seed=seed,
            progressbar=False,
        )  # fmt: skip
    return tree["posterior_predictive"], time.perf_counter() - clocks[0].first


def draw_numbers(samples: int, horizon: int, block: int, groups: int, seed: int) -> None:
    """Draw what a future needs: blocks, two innovations and one uniform a period."""
    rng = np.random.default_rng(seed)
    for _ in range(groups):
        rng.integers(0, 100, size=(samples, -(-horizon // block)))
        rng.normal(size=(samples, 2, horizon))
        rng.random((samples, horizon))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference of means in its standard errors; samples come first."""
    error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
    gap = np.abs(one.mean(axis=0) - other.mean(axis=0))
    return float(np.max(gap / np.maximum(error, 1e-9)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="us-iran-2026")
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="400 draws, horizon 30, 2 rounds")
    chosen = parser.parse_args()
    sampling = Sampling()
    if chosen.small:
        sampling = Sampling(draws=200, tune=200, chains=2, attempts=1)
        chosen.horizon, chosen.rounds = 30, 2
    study, theory = beliefs.load_study(chosen.study), beliefs.load_theory("mutual_optimism")
    posterior = beliefs.fit(study, theory, seed=chosen.seed, sampling=sampling)
    samples, horizon = sampling.chains * sampling.draws, chosen.horizon
    model, trace = future_model(posterior, horizon), future_trace(posterior)
    block = BLOCK.get(posterior.inputs.step_days, 7)

    def ours(seed: int = chosen.seed) -> Any:
        return forecast(
            posterior, horizon, seed=seed, allow_failed=True, actions=False, baselines=False
        ).paths

    ours()  # what has to be loaded, once
    print(f"{timing.machine()}\n{chosen.study}: {samples} draws, {horizon} periods ahead\n")
    mine, (his, _) = ours(), predict(model, trace, chosen.seed)
    belief = np.asarray(his["logit_belief"]).reshape(samples, 2, horizon)
    talks = np.asarray(his["talks"]).reshape(samples, horizon)
    # Draws are correlated, but both begin from the same ones: what is compared is the futures.
    apart = {
        "beliefs": distance(mine.logit_belief, belief),
        "talks": distance(mine.talks.astype(float), talks.astype(float)),
    }
    for name, far in apart.items():
        print(f"means of {name} by period: at most {far:.1f} standard errors apart")
    once_compiled: list[float] = []
    times = timing.in_turns(
        {
            OURS: ours,
            THEIRS: lambda: once_compiled.append(predict(model, trace, chosen.seed)[1]),
            NUMBERS: lambda: draw_numbers(samples, horizon, block, 1, chosen.seed),
        },
        chosen.rounds,
        warm=False,
    )
    times[NET] = once_compiled
    rates = {k: [samples * horizon / s for s in times[k]] for k in (OURS, NUMBERS, THEIRS, NET)}
    print()
    timing.table(
        ["", "seconds", "path-steps", "path-steps per second", "times as fast as `forecast`"],
        [
            [
                name, f"{np.median(times[name]):.3f}", f"{samples * horizon:,}",
                f"{np.median(rate):,.0f}", f"{timing.ratio(rates, name, OURS):.3g}",
            ]
            for name, rate in rates.items()
        ],
    )  # fmt: skip
    print(f"\n{timing.machine()}")
    return int(max(apart.values()) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
