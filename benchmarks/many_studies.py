"""A thousand simulated studies tracked by `beliefs batch`, while workers are killed at random.

python benchmarks/many_studies.py [--studies 1000] [--workers 2 4] [--every 60] [--small]

Studies are drawn from the theory of the synthetic duel, 40 days each. For each number of workers,
processes on this machine, the same command tracks all of them into a folder of its own while one
worker is killed every so many seconds. Printed are studies per minute, how many times as many as
by the first number of workers, and kills. Exits with 1 unless every study has a run folder and
the posteriors are the same, bit for bit, whoever computed them.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from kit import timing
from kit.duels import design

import beliefs

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))
from duel import simulate_study
from simulate_duel import theory

DAYS, PARTICLES = 40, 500


def simulate(folder: Path, studies: int) -> None:
    """Write so many studies; a seed whose readings no share can say is left out."""
    with tempfile.TemporaryDirectory() as scratch:
        settings, source = design(Path(scratch) / "design", DAYS), theory()
        seed = found = 0
        while found < studies:
            seed += 1
            try:
                simulate_study(settings, Path(scratch) / str(seed), source, seed=seed)
            except ValueError:
                continue
            (Path(scratch) / str(seed)).rename(folder / f"duel-{seed}")
            found += 1


def workers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """The processes that work for a command: those it spawned, without what tracks resources."""
    below = psutil.Process(process.pid).children(recursive=True)
    return [p for p in below if "spawn_main" in " ".join(p.cmdline())]


def track_all(studies: Path, out: Path, workers: int, every: float) -> tuple[float, int, int]:
    """Seconds that a batch takes, workers killed meanwhile, and its exit code."""
    command = [sys.executable, "-m", "beliefs", "batch", str(studies), "--do", "track", "--quiet"]
    command += ["--theory", "M1", "--particles", str(PARTICLES), "--cores", str(workers)]
    began, kills, pick = time.perf_counter(), 0, random.Random(workers)
    process = subprocess.Popen([*command, "--out", str(out)], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            process.wait(timeout=every)
        except subprocess.TimeoutExpired:
            if alive := workers_of(process):
                pick.choice(alive).kill()
                kills += 1
    return time.perf_counter() - began, kills, process.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--every", type=float, default=60.0, help="seconds from kill to kill")
    parser.add_argument("--small", action="store_true", help="20 studies, a kill every 20 s")
    chosen = parser.parse_args()
    if chosen.small:
        chosen.studies, chosen.every = 20, 20.0
    print(f"{timing.machine()}\n{chosen.studies} studies of {DAYS} days, {PARTICLES} particles\n")
    rows, first, bad = [], 0.0, False
    with tempfile.TemporaryDirectory() as scratch:
        studies, last = Path(scratch) / "studies", None
        studies.mkdir()
        simulate(studies, chosen.studies)
        for workers in chosen.workers:
            out = Path(scratch) / f"by-{workers}"
            seconds, kills, code = track_all(studies, out, workers, chosen.every)
            runs = sorted(out.glob("*/manifest.json"))
            rate = 60.0 * len(runs) / seconds
            first = first or rate
            apart = 0
            for run in runs:
                log_weights = beliefs.load_run(run.parent).track.log_weights
                if last is not None:
                    other = beliefs.load_run(last / run.parent.name).track.log_weights
                    apart += not np.array_equal(log_weights, other)
            last = out
            lost = chosen.studies - len(runs)
            rows.append([workers, f"{rate:.0f}", f"{rate / first:.2f}", kills, lost, apart, code])
            bad |= bool(lost or apart)
    header = ["workers", "studies a minute", "ratio", "killed", "lost", "other results", "exit"]
    timing.table(header, rows)
    print(f"\n{timing.machine()}")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
