"""How the time of the filter and of a track grows with periods, particles and indicators.

python benchmarks/growth.py [--parts filter track] [--particles 400] [--longest 5000] [--small]

Studies are simulated: the synthetic duel, longer or with more indicators, drawn from the theory and
one draw of its parameters. Printed are times relative to the smallest size, and the exponent e of
time ~ size^e, fitted to all sizes and to the three largest; 1 is linear. A filter's period costs
more once beliefs have spread from where they begin, for then readings are sharper than beliefs and
split them into two Gaussians: that share is printed. A track also says how often it moved its
particles, for a move goes through all periods so far. Sizes are timed in turns.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from kit import timing
from kit.duels import design

import beliefs
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.filter.filter import Model
from beliefs.inference.posterior import draw_prior
from beliefs.inference.smc.track import track
from beliefs.model.structure import structure_of
from beliefs.simulation.studies import simulate_belief_block
from beliefs.study.load import Study

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))
from duel import draw_design

OWN = 5  # indicators of the duel that are evidence
MORE = """
[[indicators]]
id = "more_{k}"
label = "Price {k}"
unit = "marks"
transform = "log"
expectation = "walk"
direction = {{ red = 1, blue = -1 }}
own = ["{side}"]
"""
Drawn = tuple[Study, Inputs]


def drawn(theory: Any, n_time: int, indicators: int, seed: int) -> Drawn:
    """A study of so many periods and indicators of evidence, with drawn readings and talks."""
    more = "".join(MORE.format(k=k, side=("red", "blue")[k % 2]) for k in range(indicators - OWN))
    with tempfile.TemporaryDirectory() as scratch:
        settings = design(Path(scratch) / "design", n_time, more)
        study = draw_design(settings, Path(scratch) / "study", seed=seed)
        inputs = build_inputs(study)
    rng = np.random.default_rng([seed, 9])
    params = draw_prior(theory, structure_of(inputs), rng, ())
    return study, simulate_belief_block(inputs, theory, params, rng)[0]


def show(what: str, sizes: list[int], times: timing.Times, notes: list[str]) -> None:
    """Print seconds, relative times and the exponent."""
    taken = [float(np.median(times[str(size)])) for size in sizes]
    every, last = timing.exponent(sizes, taken), timing.exponent(sizes[-3:], taken[-3:])
    print(f"\n**{what}**: exponent {every:.2f}, {last:.2f} over the three largest\n")
    header = ["size", "relative size", "relative time", "seconds", ""]
    rows = [
        [size, f"{size / sizes[0]:.3g}", f"{t / taken[0]:.3g}", f"{t:.3f}", notes[k]]
        for k, (size, t) in enumerate(zip(sizes, taken, strict=True))
    ]
    timing.table(header, rows)


def filter_task(theory: Any, inputs: Inputs, particles: int, seed: int) -> Callable[..., Any]:
    """One pass of the filter through a study, from parameters to densities."""
    model = Model.of(inputs, theory)
    scores = np.random.default_rng(seed).standard_normal((particles, model.coordinates.size))

    def task(kept: int = 0) -> Any:  # keeping paths takes longer than filtering: of a few, apart
        n = kept or particles
        return model.replay(scores[:n], model.structure.n_time, keep=kept > 0)

    return task


def grow(
    what: str, sizes: list[int], make: Callable[[int], Callable[..., Any]], rounds: int
) -> None:
    """Time one task for each size and print how it grows."""
    tasks = {str(size): make(size) for size in sizes}
    kept: dict[str, Any] = {}

    def keeping(name: str, task: Callable[[], Any]) -> Callable[[], None]:
        return lambda: kept.update({name: task()})

    wrapped = {name: keeping(name, task) for name, task in tasks.items()}
    wrapped[str(sizes[0])]()  # what has to be compiled or loaded, once
    times = timing.in_turns(wrapped, rounds, warm=False)
    tracks = all(hasattr(v, "rejuvenations") for v in kept.values())
    if tracks:
        notes = [
            f"moved {len(v.rejuvenations)} times, {sum(r.moves for r in v.rejuvenations)} in all"
            for v in kept.values()
        ]
    else:  # of a path, the shares of the second Gaussians stand in columns 14 and 17
        paths = [task(kept=100)[2] for task in tasks.values()]
        notes = [f"{(path[..., [14, 17]] > 0.0).mean():.0%} split" for path in paths]
    show(what, sizes, times, notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="*", default=["filter", "track"])
    parser.add_argument("--particles", type=int, default=400)
    parser.add_argument("--longest", type=int, default=5000, help="periods of the longest study")
    parser.add_argument("--rounds", type=int, default=5, help="of the filter; a third for tracks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="to 500 periods, 1 round of tracks")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.longest, chosen.rounds = 500, 3
    theory, seed, n = beliefs.load_theory("mutual_optimism"), chosen.seed, chosen.particles
    print(f"{timing.machine()}\nsimulated duels, {n} particles where not said otherwise")
    periods = [t for t in (50, 150, 500, 1500, 5000) if t <= chosen.longest]
    clouds, counts = [n * k for k in (1, 2, 4, 8)], [5, 10, 20, 40]
    long = {t: drawn(theory, t, OWN, seed) for t in periods}
    wide = {k: drawn(theory, 200, k, seed) for k in counts}
    if "filter" in chosen.parts:
        grow("filter, periods", periods,
             lambda t: filter_task(theory, long[t][1], n, seed), chosen.rounds)  # fmt: skip
        grow("filter, particles, 200 periods", clouds,
             lambda m: filter_task(theory, wide[OWN][1], m, seed), chosen.rounds)  # fmt: skip
        grow("filter, indicators of evidence, 200 periods", counts,
             lambda k: filter_task(theory, wide[k][1], n, seed), chosen.rounds)  # fmt: skip
    if "track" in chosen.parts:
        rounds = max(1, chosen.rounds // 3)

        def follow(what: Drawn, particles: int = n) -> Callable[[], Any]:
            return lambda: track(what[0], theory, particles=particles, seed=seed, inputs=what[1])

        grow("track, periods", periods, lambda t: follow(long[t]), rounds)
        grow("track, particles, 200 periods", clouds, lambda m: follow(wide[OWN], m), rounds)
        grow("track, indicators of evidence, 200 periods", counts,
             lambda k: follow(wide[k]), rounds)  # fmt: skip
    print(f"\n{timing.machine()}")


if __name__ == "__main__":
    main()
