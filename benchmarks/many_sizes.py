"""Convergence of `beliefs run` on made-up wars of many sizes, with its defaults.

python benchmarks/many_sizes.py [--studies 100] [--first 1] [--cores 2] [--keep FOLDER]

Each war is made by a plain simulator that knows nothing of the theories and enters through
`Study.from_frames`, as a user's would: 20 to 2,000 days, weeks or months, 1 to 30 series (counts,
levels, shares; with gaps, late starts, monthly figures spread over weeks), 0 to 200 periods of
talks in spells, 0 to 400 events, readings of no, one or both sides. All are run by `beliefs batch
--do run`. Printed is every war with seconds on one process, and what its check said. Exits with 1
when more than one war in twenty fails.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from kit import timing

import beliefs
from beliefs.errors import BeliefsError
from beliefs.records.files import read_manifest

UNITS = {"day": 1, "week": 7, "month": 30}
KINDS = ["strike", "threat", "sanction", "deployment", "offer", "rejection", "hardline_statement"]
SIDES = ["north", "south"]
SHARE_FAILED = 0.05


def series(rng: np.random.Generator, drift: np.ndarray) -> np.ndarray:
    """A series that follows a side's fortune: a count, a level or a share, with its gaps."""
    length, kind = len(drift), rng.choice(["count", "level", "share"])
    path = rng.normal(0.0, 0.5) * drift + np.cumsum(rng.normal(0.0, 0.05, length))
    if kind == "count":
        rate = np.exp(rng.uniform(np.log(0.05), np.log(200.0)) + np.clip(path, -3.0, 3.0))
        values = rng.poisson(rate).astype(float)
    elif kind == "level":
        values = 100.0 * np.exp(0.1 * path + 0.02 * rng.normal(size=length))
    else:
        values = 1.0 / (1.0 + np.exp(-np.clip(0.5 * path, -4.0, 4.0)))
    if (every := rng.choice([1, 1, 4, 13])) > 1:
        if rng.random() < 0.3:  # a month's or quarter's figure, given for each of its periods
            values = np.repeat(values[::every], every)[:length]
        else:
            values[np.arange(length) % every > 0] = np.nan
    values[rng.random(length) < rng.choice([0.0, 0.1])] = np.nan
    late = rng.integers(0, length // 3) if rng.random() < 0.2 else 0
    values[:late] = np.nan
    return np.round(values, 4)


def war(seed: int) -> beliefs.Study:
    """A made-up war; its seed says of what size."""
    rng = np.random.default_rng(seed)
    unit = str(rng.choice([*UNITS]))
    most = {"day": 2000, "week": 2000, "month": 400}[unit]
    length, before = round(np.exp(rng.uniform(np.log(20), np.log(most)))), 12
    days = pd.date_range("1901-01-01", periods=length + before, freq={
        "day": "D", "week": "7D", "month": "MS"}[unit])  # fmt: skip
    fortune = np.cumsum(rng.normal(0.0, 0.15, (2, len(days))), axis=1)
    own = np.arange(rng.integers(1, 31)) % 2
    columns = {f"series_{k}": series(rng, fortune[side]) for k, side in enumerate(own)}
    columns = {name: of for name, of in columns.items() if np.isfinite(of[before:]).any()}
    cards = {s: [n for n in columns if own[int(n[7:])] == k] for k, s in enumerate(SIDES)}
    readings = {}
    for side in SIDES[: rng.integers(0, 3)]:
        read = 1.0 / (1.0 + np.exp(-(fortune[SIDES.index(side)] + rng.normal(0, 0.3, len(days)))))
        read[np.arange(len(days)) % rng.integers(1, 14) > 0] = np.nan
        columns[f"polled_{side}"] = np.round(np.clip(read, 0.01, 0.99), 3)
        readings[side] = f"polled_{side}"
    held, wanted = np.zeros(len(days), dtype=bool), min(rng.integers(0, 201), length // 3)
    wanted *= rng.random() < 0.85
    while held.sum() < wanted:
        begin = rng.integers(before, len(days))
        held[begin : begin + rng.geometric(0.4)] = True
    many = rng.integers(0, 401)
    when = np.sort(rng.integers(0, len(days), many))
    who = rng.integers(0, 2, many)
    said = np.where(rng.random(many) < 0.3, rng.choice([-2, -1, -0.5, 0.5, 1, 2], many), np.nan)
    kind = rng.choice(KINDS, many)
    events = pd.DataFrame({
        "date": days[when], "initiator": np.array(SIDES)[who], "kind": kind,
        "target": np.array(SIDES)[1 - who], "belief_signal": said,
        "severity": np.where(kind == "strike", rng.integers(1, 6, many), np.nan),
    })  # fmt: skip
    last = days[-1] + pd.Timedelta(days=UNITS[unit] - 1)
    last = last + pd.offsets.MonthEnd(0) if unit == "month" else last
    return beliefs.Study.from_frames(
        pd.DataFrame(columns, index=days), sides=cards, readings=readings, events=events,
        talks=days[held], period=(days[before], last, unit), name=f"war-{seed}",
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="seed of the first war")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder in which studies and runs are left")
    chosen = parser.parse_args()
    print(f"{timing.machine()}\n")
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        (folder / "studies").mkdir(exist_ok=True)
        wars = {}
        for seed in range(chosen.first, chosen.first + chosen.studies):
            wars[seed] = war(seed)
            if not (folder / "studies" / wars[seed].name).exists():
                wars[seed].to_folder(folder / "studies" / wars[seed].name)
        command = [sys.executable, "-m", "beliefs", "batch", str(folder / "studies"), "--quiet"]
        command += ["--do", "run", "--cores", str(chosen.cores), "--out", str(folder / "runs")]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        rows, failed = [], 0
        for study in wars.values():
            try:
                made = read_manifest(folder / "runs" / study.name)
                said = "; ".join(made["convergence"]["failures"]) or "passed"
                seconds = f"{sum(made['timings_seconds'].values()):.0f}"
            except BeliefsError as error:
                said, seconds = str(error).splitlines()[0], ""
            failed += said != "passed"
            unit, talks = study.spec.period.unit, beliefs.build_inputs(study).talks.sum()
            rows.append([
                study.name, f"{study.grid.n} {unit}s", len(study.spec.indicators),
                len(study.events), talks, seconds, said,
            ])  # fmt: skip
    timing.table(["war", "length", "series", "events", "talks", "seconds", "check"], rows)
    print(f"\n{failed} of {len(rows)} failed\n\n{timing.machine()}")
    return int(failed > SHARE_FAILED * len(rows))


if __name__ == "__main__":
    sys.exit(main())
