"""Calibration folders: simulations kept one by one, so that a run that was stopped goes on.

A folder holds::

    settings.json     what all simulations share, with hashes; another setting needs another folder
    ranks.jsonl       one line a simulation, in the order in which they ended
    calibration.json  the result: every quantity with its p-value, those outside their bands
    ranks.csv         the ranks, one row a simulation
    calibration.png   the figure, where one was asked for
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluate.calibration import DRAWS, GROUPS, Design
from beliefs.evaluate.calibration_cores import simulated
from beliefs.evaluate.uniformity import COVERAGE, Judged, judge
from beliefs.record.calibration_files import (
    FORMAT,
    LINES,
    append_line,
    read_lines,
    replace_text,
    settled,
)
from beliefs.record.lock import only_one, unwritable
from beliefs.study.load import Study
from beliefs.theory.theory import Theory

__all__ = ["FIGURE", "PARTICLES", "Calibration", "calibrate"]

PARTICLES = 1000
FIGURE = "calibration.png"
CUT = (
    "Conduct is drawn from what the filter knew of beliefs a period before, as the theory says: "
    "the inference of its parameters is calibrated, not the choice to cut feedback from conduct "
    "to belief."
)

Say = Callable[[int, int, float | None], None]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of the truth in many simulations, judged.

    Attributes
    ----------
    settings
        What all simulations share.
    numbers
        Of the simulations that were done, (n,).
    ranks
        By quantity, (n,), 0 to `draws`.
    draws
        Posterior draws that the truth was ranked among.
    judged
        Verdicts, the least uniform first.
    probabilities
        By target: forecast probabilities and whether it happened, (n, 2).
    failed
        Number -> what went wrong, of simulations that could not be done.
    seconds
        Processor seconds of all simulations.
    """

    settings: dict[str, Any]
    numbers: NDArray[np.int64]
    ranks: Mapping[str, NDArray[np.int64]]
    draws: int
    judged: tuple[Judged, ...]
    probabilities: Mapping[str, NDArray[np.float64]]
    failed: Mapping[int, str]
    seconds: float

    @property
    def outside(self) -> tuple[Judged, ...]:
        """Quantities whose ranks leave their own bands."""
        return tuple(row for row in self.judged if row.outside)

    @property
    def passed(self) -> bool:
        """Whether every simulation was done and nothing fails, allowing for how many are judged."""
        return not self.failed and all(r.adjusted > 1.0 - COVERAGE for r in self.judged)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """Mean spread and mean rank by kind of quantity.

        A spread above 1 in all of many parameters shows draws that are somewhat too narrow, as too
        few particles leave them, before any single one leaves its bands.
        """
        out = []
        for group in GROUPS:
            mine = [row for row in self.judged if row.name.startswith(f"{group}:")]
            if mine:
                mean, spread = (
                    round(float(np.mean([getattr(row, k) for row in mine])), 4)
                    for k in ("mean", "spread")
                )
                told = {"group": group, "quantities": len(mine), "mean": mean, "spread": spread}
                out.append(told)
        return out

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data; the same simulations give the same bytes."""
        return {
            "format": FORMAT,
            **{k: v for k, v in self.settings.items() if k not in ("versions", "platform")},
            "simulations": len(self.numbers),
            "failed": {str(k): v for k, v in self.failed.items()},
            "coverage": COVERAGE,
            "passed": self.passed,
            "judged": len(self.judged),
            "outside": [row.name for row in self.outside],
            "outside_by_chance": round((1.0 - COVERAGE) * len(self.judged), 2),
            "groups": self.groups,
            "quantities": [_rounded(asdict(row)) for row in self.judged],
            "probabilities": [
                {
                    "target": name,
                    "forecast": round(float(v[:, 0].mean()), 4),
                    "happened": round(float(v[:, 1].mean()), 4),
                    "error": round(_error(v), 4),
                }
                for name, v in self.probabilities.items()
            ],
            "cut": CUT,
        }


def _error(values: NDArray[np.float64]) -> float:
    """Return the standard error of the share that happened, were each forecast right."""
    p = values[:, 0]
    return float(np.sqrt(np.sum(p * (1.0 - p))) / len(p))


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}


def calibrate(
    theory: Theory,
    study: Study,
    out: str | Path,
    *,
    sims: int = 200,
    seed: int,
    particles: int = PARTICLES,
    draws: int = DRAWS,
    horizon: int = 30,
    cores: int | None = None,
    truth: Theory | None = None,
    progress: Say | None = None,
) -> Calibration:
    """Calibrate the track of a theory by simulation, and keep it in a folder.

    Parameters
    ----------
    theory
        What is calibrated.
    study
        Design of the drawn studies: its calendar, evidence, coverage and shocks.
    out
        Folder, new or that of the same calibration, which then goes on where it was stopped.
    sims
        Number of simulations in all.
    seed
        Seed of everything random. Simulations have numbers of their own: more of them leave those
        that are done as they are, and so does another number of cores.
    particles
        Particles of each block.
    draws
        Posterior draws that the truth is ranked among.
    horizon
        Periods of the futures.
    cores
        Processes, of one thread each; None runs simulations one by one in this process.
    truth
        Theory that draws the studies, for a posterior that is wrong on purpose.
    progress
        Called with the number of simulations done, that of all, and the seconds left.

    Raises
    ------
    ConflictError
        The folder holds another calibration, or another process is writing it.
    StudyError
        A setting that cannot be used; the folder cannot be written or was damaged.

    Notes
    -----
    Talts and others (2018), https://arxiv.org/abs/1804.06788; Modrák and others (2023),
    https://doi.org/10.1214/23-BA1404; Säilynoja, Bürkner and Vehtari (2022).
    """
    import time

    _check(sims=sims, draws=draws, cores=1 if cores is None else cores)
    design = Design(study, theory, seed, particles, draws, horizon, truth)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with only_one(folder):
            settings = settled(folder, design)
            done = read_lines(folder / LINES)
            left = [k for k in range(sims) if k not in done]
            begun, size = time.monotonic(), len(left)
            with (folder / LINES).open("ab", buffering=0) as kept:
                for count, line in enumerate(simulated(design, left, cores), start=1):
                    append_line(kept.fileno(), line)
                    done[line["number"]] = line
                    if progress is not None:
                        rest = (time.monotonic() - begun) / count * (size - count)
                        progress(sims - size + count, sims, rest)
            found = _judged(settings, [done[k] for k in sorted(done) if k < sims], draws)
            _write(folder, found)
    except OSError as error:
        raise unwritable(folder, error) from error
    return found


def _check(**least: int) -> None:
    for name, value in least.items():
        if value < 1:
            raise StudyError(
                f"{name} cannot be used", where=name, found=str(value), expected="at least 1",
                mend="give a larger number",
            )  # fmt: skip


def _judged(settings: dict[str, Any], lines: list[dict[str, Any]], draws: int) -> Calibration:
    good = [line for line in lines if "error" not in line]
    names = list(good[0]["ranks"]) if good else []
    ranks = {n: np.asarray([line["ranks"][n] for line in good], dtype=np.int64) for n in names}
    targets = list(good[0]["probabilities"]) if good else []
    return Calibration(
        settings=settings,
        numbers=np.asarray([line["number"] for line in good], dtype=np.int64),
        ranks=dict(sorted(ranks.items(), key=lambda item: GROUPS.index(item[0].split(":")[0]))),
        draws=draws,
        judged=judge(ranks, draws),
        probabilities={
            n: np.asarray([line["probabilities"][n] for line in good], dtype=float) for n in targets
        },
        failed={line["number"]: line["error"] for line in lines if "error" in line},
        seconds=float(sum(line["seconds"] for line in lines)),
    )


def _write(folder: Path, found: Calibration) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["simulation", *found.ranks])
    writer.writerows(zip(found.numbers, *found.ranks.values(), strict=True))
    replace_text(folder / "ranks.csv", table.getvalue())
    text = json.dumps(found.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    replace_text(folder / "calibration.json", text + "\n")
