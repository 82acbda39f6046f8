"""Calibration folders: simulations kept one by one, so that a run that was stopped goes on.

A folder holds::

    settings.json     what all simulations share, with hashes; another setting needs another folder
    ranks.jsonl       one line a simulation, in the order in which they ended
    calibration.json  the result: every quantity with its p-value, those outside their bands
    ranks.csv         the ranks, one row a simulation
    probabilities.csv forecast probabilities and how often it happened, by target and range
    calibration.png   the figure, where one was asked for
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beliefs.errors import ConflictError, StudyError
from beliefs.evaluation.calibration import (
    COVERAGE,
    DRAWS,
    GROUPS,
    Bin,
    Design,
    Foretold,
    Group,
    Judged,
    failures,
    foretell,
    foretold_p,
    groups_of,
    judge,
    simulated,
)
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.model.theory import Theory, theory_of
from beliefs.records.files import FORMAT, damaged, environment, only_one, read_table, unwritable
from beliefs.study.load import Study
from beliefs.study.writefile import PART, replace_file

PARTICLES = 1000
FIGURE = "calibration.png"
LINES, SETTINGS = "ranks.jsonl", "settings.json"
CUT = (
    "Conduct is drawn from what the filter knew of beliefs a period before, as the theory says: "
    "the inference of its parameters is calibrated, not the choice to cut feedback from conduct "
    "to belief."
)

Say = Callable[[int, int, float | None], None]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Ranks of the truth in many simulations, judged."""

    settings: dict[str, Any]  # what all simulations share
    numbers: NDArray[np.int64]  # of the simulations that were done, (n,)
    ranks: Mapping[str, NDArray[np.int64]]  # by quantity, (n,), 0 to `draws`
    draws: int  # posterior draws that the truth was ranked among
    judged: tuple[Judged, ...]  # ranks and forecast probabilities, the least uniform first
    probabilities: Mapping[str, NDArray[np.float64]]  # by target: forecast, whether it came, (n, 2)
    failed: Mapping[int, str]  # what went wrong, by number of the simulation
    seconds: float  # of processor time, of all simulations

    @property
    def outside(self) -> tuple[Judged, ...]:
        """Quantities that leave their own bands."""
        return tuple(row for row in self.judged if row.outside)

    @property
    def groups(self) -> tuple[Group, ...]:
        """What is to be said of each kind of quantity."""
        return groups_of(self.judged, self.ranks, self.draws)

    @property
    def foretold(self) -> dict[str, Foretold]:
        """Verdicts on the forecast probabilities, by target."""
        return {name: foretell(v, self.draws) for name, v in self.probabilities.items()}

    @property
    def failures(self) -> tuple[str, ...]:
        """Why it fails, by the rule of `beliefs.evaluation.calibration`; none if not."""
        return failures(self.judged, self.groups, self.failed, len(self.numbers))

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data; the same simulations give the same bytes."""
        return {
            "format": FORMAT,
            **{k: v for k, v in self.settings.items() if k not in ("versions", "platform")},
            "simulations": len(self.numbers),
            "failed": {str(k): v for k, v in self.failed.items()},
            "coverage": COVERAGE,
            "passed": self.passed,
            "failures": list(self.failures),
            "judged": len(self.judged),
            "outside": [row.name for row in self.outside],
            "outside_by_chance": round((1.0 - COVERAGE) * len(self.judged), 2),
            "groups": [_rounded(asdict(row)) for row in self.groups],
            "quantities": [_rounded(asdict(row)) for row in self.judged],
            "probabilities": [_foretold(k, v) for k, v in self.foretold.items()],
            "cut": CUT,
        }


def _foretold(target: str, found: Foretold) -> dict[str, Any]:
    bins = [_rounded(asdict(one)) for one in found.bins]
    told = _rounded(asdict(found.all))
    told |= _rounded({"error": found.error, "z": found.z, "reliability": found.reliability})
    return {"target": target, **told, "bins": bins}


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Round to six decimals, and what is smaller to six digits."""
    return {
        k: (round(v, 6) if abs(v) > 0.1 else float(f"{v:.6g}")) if isinstance(v, float) else v
        for k, v in row.items()
    }


def calibrate(
    theory: Theory | str | Path,
    study: Study,
    out: str | Path,
    *,
    sims: int = 200,
    seed: int,
    particles: int = PARTICLES,
    draws: int = DRAWS,
    horizon: int = 30,
    workers: int | None = None,
    scheduler: str | None = None,
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
        that are done as they are, and so does another number of workers.
    particles
        Particles of each block.
    draws
        Posterior draws that the truth is ranked among.
    horizon
        Periods of the futures.
    workers, scheduler
        Who does them, see `beliefs.evaluation.calibration.simulated`; simulations are
        done one by one in this process when both are None.
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

    Examples
    --------
    >>> found = beliefs.calibrate(
    ...     "M0", study, folder / "M0", sims=1, seed=1, particles=100, draws=20, horizon=3
    ... )
    >>> found.as_dict()["simulations"]
    1

    Notes
    -----
    Talts and others (2018), https://arxiv.org/abs/1804.06788; Modrák and others (2023),
    https://doi.org/10.1214/23-BA1404; Säilynoja, Bürkner and Vehtari (2022).
    """
    for name, value in (("sims", sims), ("draws", draws), ("workers", workers)):
        if value is not None and value < 1:
            raise StudyError(
                f"{name} cannot be used", where=name, found=str(value), expected="at least 1",
                mend="give a larger number",
            )  # fmt: skip
    design = Design(study, theory_of(theory), checked_seed(seed), particles, draws, horizon, truth)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with only_one(folder):
            settings = _settled(folder, design)
            done = _read_lines(folder / LINES)
            left = [k for k in range(sims) if k not in done]
            begun, size = time.monotonic(), len(left)
            with (folder / LINES).open("ab") as kept:
                for count, line in enumerate(simulated(design, left, workers, scheduler), start=1):
                    kept.write(json.dumps(line).encode() + b"\n")
                    kept.flush()
                    os.fsync(kept.fileno())
                    done[line["number"]] = line
                    if progress is not None:
                        rest = (time.monotonic() - begun) / count * (size - count)
                        progress(sims - size + count, sims, rest)
            found = _judged(settings, [done[k] for k in sorted(done) if k < sims], draws)
            _write(folder, found)
    except OSError as error:
        raise unwritable(folder, error) from error
    return found


def _judged(settings: dict[str, Any], lines: list[dict[str, Any]], draws: int) -> Calibration:
    good = [line for line in lines if "error" not in line]
    names = list(good[0]["ranks"]) if good else []
    ranks = {n: np.asarray([line["ranks"][n] for line in good], dtype=np.int64) for n in names}
    targets = list(good[0]["probabilities"]) if good else []
    probabilities = {
        n: np.asarray([line["probabilities"][n] for line in good], dtype=float) for n in targets
    }
    told = {name: foretell(values, draws) for name, values in probabilities.items()}
    return Calibration(
        settings=settings,
        numbers=np.asarray([line["number"] for line in good], dtype=np.int64),
        ranks=dict(sorted(ranks.items(), key=lambda item: GROUPS.index(item[0].split(":")[0]))),
        draws=draws,
        judged=judge(ranks, draws, dict(foretold_p(told))),
        probabilities=probabilities,
        failed={line["number"]: line["error"] for line in lines if "error" in line},
        seconds=float(sum(line["seconds"] for line in lines)),
    )


def _write(folder: Path, found: Calibration) -> None:
    bins = [
        {"target": target, **_rounded(asdict(one)), **more}
        for target, told in found.foretold.items()
        for one, more in [
            (told.all, _rounded({"z": told.z, "reliability": told.reliability})),
            *((one, {}) for one in told.bins),
        ]
    ]
    head = ["target", *(field.name for field in fields(Bin)), "z", "reliability"]
    tables = {
        "ranks.csv": pd.DataFrame({"simulation": found.numbers, **found.ranks}),
        "probabilities.csv": pd.DataFrame(bins, columns=head),
    }
    for name, table in tables.items():
        replace_file(folder / name, table.to_csv(index=False, lineterminator="\n"))
    text = json.dumps(found.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    replace_file(folder / "calibration.json", text + "\n")


def _settled(folder: Path, design: Design) -> dict[str, Any]:
    """Return the settings of a folder, written where it is new; refuse another calibration."""
    source = design.truth or design.theory
    settings: dict[str, Any] = {
        "format": FORMAT,
        "theory": design.theory.name,
        "theory_sha256": design.theory.sha256,
        "drawn_from_sha256": source.sha256,
        "study": design.study.spec.name,
        "study_sha256": design.study.sha256,
        "as_of": str(design.study.as_of),
        **{k: getattr(design, k) for k in ("seed", "particles", "draws", "horizon")},
        **environment(),
    }
    file = folder / SETTINGS
    if not file.exists():
        # What a killed writer left half written is no other's.
        if any(not item.name.endswith(PART) for item in folder.iterdir()):
            raise _other(folder, "other files", "a new folder, or that of this calibration")
        replace_file(file, json.dumps(settings, indent=1) + "\n")
        return settings
    kept = read_table(file)
    for key, value in settings.items():
        if kept.get(key) != value:
            found = "other versions" if isinstance(value, dict) else f"{key} = {kept.get(key)!r}"
            wanted = "those of now" if isinstance(value, dict) else f"{key} = {value!r}"
            raise _other(folder, found, wanted)
    return settings


def _other(folder: Path, found: str, expected: str) -> ConflictError:
    return ConflictError(
        "the folder holds another calibration",
        where=str(folder),
        found=found,
        expected=expected,
        mend="choose another --out",
    )


def _read_lines(file: Path) -> dict[int, dict[str, Any]]:
    """Return the simulations that are done; the half line of a killed writer is cut off."""
    if not file.exists():
        return {}
    data = file.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(file, len(whole))
    done = {}
    for k, raw in enumerate(whole.splitlines(), start=1):
        try:
            line = json.loads(raw)
            done[int(line["number"])] = line
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(
                file, f"line {k}: {error}", "ranks as `beliefs calibrate` writes them"
            ) from error
    return done
