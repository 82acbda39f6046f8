"""A track against NUTS refits at every origin, and one update against one refit.

python benchmarks/track_vs_refit.py [STUDY] [--particles 2000] [--refits 3] [--updates 30] [--small]

Refits are made at a few origins only, spread over the study, a track before each; what refits at
every origin would take is the sum over the line through them (earlier ones count as the first), and
is said to be extrapolated.
The model is compiled once, as for all origins of one process. Then the last periods are taken in
one by one, as a script and as `beliefs update`, against `beliefs fit` at the last origin.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from kit import timing

import beliefs
from beliefs.features.inputs import build_inputs
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.smc.track import advance, track

QUICK = Sampling(draws=100, tune=200, chains=2, attempts=1)


def rolling(chosen: argparse.Namespace, theory: Any, dates: Any, sampling: Sampling) -> float:
    """Time tracks and refits in turns; returns seconds of the last refit, the whole study's."""
    whole = beliefs.load_study(chosen.study)
    n_time = len(dates)
    origins = np.unique(np.linspace(max(7, n_time // 10), n_time, chosen.refits).astype(int)) - 1
    studies = {int(t): beliefs.load_study(chosen.study, as_of=str(dates[t])) for t in origins}
    # A first fit compiles, and a first track loads what numba has compiled.
    compiled = beliefs.fit(studies[int(origins[-1])], theory, seed=1, sampling=QUICK).timings
    track(studies[int(origins[0])], theory, particles=400, seed=1)
    tracks, refits = [], []
    print("| periods seen | refit s | of which sampling s | converged | track of all periods s |")
    print("|---|---|---|---|---|")
    for t, study in studies.items():
        following, _ = timing.timed(
            track, whole, theory, particles=chosen.particles, seed=chosen.seed
        )
        refitting, found = timing.timed(
            beliefs.fit, study, theory, seed=chosen.seed, sampling=sampling
        )
        tracks.append(following)
        refits.append(refitting)
        convergence = "passed" if found.report.passed else "FAILED"
        print(
            f"| {t + 1} | {refits[-1]:.1f} | {found.timings['sample']:.1f} | {convergence} "
            f"| {tracks[-1]:.1f} |",
            flush=True,
        )
    one = float(np.median(tracks))
    every = float(np.interp(np.arange(n_time), origins, refits).sum())
    compiling = compiled["compile"]
    print(f"\ncompiling the model once: {compiling:.1f} s, with what the caches held")
    print(f"track of {n_time} periods, {chosen.particles} particles: {one:.1f} s (median)")
    print(f"  as a share of one refit of the whole study: {one / refits[-1]:.2f}")
    print(f"  as a share of the same, compiling included: {one / (refits[-1] + compiling):.2f}")
    print(
        f"refits at all {n_time} origins, extrapolated from {len(origins)}: {every:.0f} s, "
        f"{every / one:.0f} times the track\n"
    )
    return refits[-1]


def one_period(chosen: argparse.Namespace, theory: Any, dates: Any, refit: float) -> None:
    """Time `advance` by one period at a time, with and without reading the study anew."""
    first = len(dates) - chosen.updates
    before = beliefs.load_study(chosen.study, as_of=str(dates[first - 1]))
    found = track(before, theory, particles=chosen.particles, seed=chosen.seed)
    parts: dict[str, list[float]] = {"read the study": [], "advance": []}
    moved = []

    def read(as_of: str) -> tuple[Any, Any]:
        study = beliefs.load_study(chosen.study, as_of=as_of)
        inputs = build_inputs(study)
        _ = inputs.observed  # what is seen of actions, which is made when it is first asked for
        return study, inputs

    for t in range(first, len(dates)):
        reading, (study, inputs) = timing.timed(read, str(dates[t]))
        rejuvenations = len(found.rejuvenations)
        advancing, found = timing.timed(advance, found, study, inputs=inputs)
        parts["read the study"].append(reading)
        parts["advance"].append(advancing)
        moved.append(len(found.rejuvenations) > rejuvenations)
    spent = {k: 1000.0 * np.asarray(v) for k, v in parts.items()}
    spent["both"] = spent["read the study"] + spent["advance"]
    still = ~np.asarray(moved)
    print(f"one period more, the last {chosen.updates}; particles moved in {int((~still).sum())}:")
    rows = [
        [
            name,
            f"{np.median(ms):.1f}",
            f"{np.median(ms[still]):.1f}" if still.any() else "-",
            f"{ms.max():.0f}",
            f"{1000.0 * refit / np.median(ms):,.0f}",
        ]
        for name, ms in spent.items()
    ]
    timing.table(["part", "median ms", "median unmoved", "largest", "a refit takes times"], rows)


def processes(chosen: argparse.Namespace, dates: Any, sampling: Sampling) -> None:
    """Time `beliefs update` by a period against `beliefs fit`, each as a whole process."""
    command = [sys.executable, "-m", "beliefs"]
    settings = [f"--{k}={getattr(sampling, k)}" for k in ("draws", "tune", "chains", "cores")]

    def call(*words: str) -> float:
        taken, done = timing.timed(
            subprocess.run, [*command, *words], capture_output=True, text=True, check=False
        )
        # A fit that failed its check is written all the same; an update is not.
        if done.returncode not in ((0, 3) if words[0] == "fit" else (0,)):
            raise RuntimeError(f"beliefs {' '.join(words)}: {done.stderr}")
        return taken

    with tempfile.TemporaryDirectory() as scratch:
        seed, name = f"--seed={chosen.seed}", chosen.study
        place = [str(Path(scratch) / str(k)) for k in range(2 * chosen.calls + 2)]
        first = len(dates) - chosen.calls - 1
        many = f"--particles={chosen.particles}"
        words = ("--out", place[0], "--as-of", str(dates[first]), seed, many)
        following = call("track", name, *words)
        times: timing.Times = {"update": [], "fit": []}
        for k in range(chosen.calls):
            to = ("--to", str(dates[first + 1 + k]))
            times["update"].append(call("update", place[k], "--out", place[k + 1], *to))
            out = place[chosen.calls + 1 + k]
            times["fit"].append(call("fit", name, "--out", out, seed, *settings))
    print(
        f"\nwhole processes, {chosen.calls} of each in turns: `beliefs update` "
        f"{np.median(times['update']):.2f} s, `beliefs fit` {np.median(times['fit']):.1f} s, "
        f"{timing.ratio(times, 'fit', 'update'):.0f} times as long "
        f"(`beliefs track` up to there: {following:.1f} s)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="us-iran-2026")
    parser.add_argument("--particles", type=int, default=2000)
    parser.add_argument("--refits", type=int, default=3, help="origins at which to refit")
    parser.add_argument("--updates", type=int, default=30, help="last periods taken in one by one")
    parser.add_argument("--calls", type=int, default=3, help="of each command")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="few particles, draws and calls")
    chosen = parser.parse_args()
    sampling = Sampling()
    if chosen.small:
        sampling, chosen.calls = QUICK, 1
        chosen.particles, chosen.refits, chosen.updates = 1000, 2, 5
    theory = beliefs.load_theory("mutual_optimism")
    inputs = build_inputs(beliefs.load_study(chosen.study))
    dates = inputs.ends[inputs.active]
    print(f"{timing.machine()}\n{chosen.study}\n")
    refit = rolling(chosen, theory, dates, sampling)
    one_period(chosen, theory, dates, refit)
    processes(chosen, dates, sampling)
    print(f"\n{timing.machine()}")


if __name__ == "__main__":
    main()
