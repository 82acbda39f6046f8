"""Kept evaluations: run folders of backtests, and folders of calibrations, which go on.

A backtest is ``manifest.json``, ``forecasts.nc`` (the dense frame: origin, horizon, target,
sample), ``theories.json``, ``study/`` as it was read, and tables that `rescore` makes anew. A
calibration is ``settings.json`` (what all simulations share), ``ranks.jsonl`` (a line a simulation,
as they ended), and what follows: ``calibration.json`` (p-values of quantities), two tables, a plot.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from beliefs.errors import ConflictError, StudyError
from beliefs.evaluation import calibration as sbc
from beliefs.evaluation.backtest.backtest import Backtest, scored
from beliefs.evaluation.backtest.frames import Frame
from beliefs.inference.nuts.sampling import checked_seed
from beliefs.model.theory import Theory, table_of, theory_from_table, theory_of
from beliefs.records import files
from beliefs.shown import Shown
from beliefs.study.bundled import copy_study
from beliefs.study.load import Study, load_study
from beliefs.study.writefile import PART, replace_file

PARTICLES = 1000
FRAME = "forecasts.nc"
FIGURE = "calibration.png"
LINES, SETTINGS = "ranks.jsonl", "settings.json"
CUT = (
    "Actions are drawn from what the filter knew of beliefs a period before, as the theory says: "
    "the inference of its parameters is calibrated, not the choice to cut feedback from actions "
    "to belief."
)


@dataclass(frozen=True, eq=False, repr=False)
class Calibration(Shown):
    """Ranks of the truth in many simulations, judged."""

    settings: dict[str, Any]  # what all simulations share
    numbers: NDArray[np.int64]  # of the simulations that were done, (n,)
    ranks: Mapping[str, NDArray[np.int64]]  # by quantity, (n,), 0 to `draws`
    draws: int  # posterior draws that the truth was ranked among
    judged: tuple[sbc.Judged, ...]  # ranks and forecast probabilities, the least uniform first
    probabilities: Mapping[str, NDArray[Any]]  # by target: forecast, whether it happened, (n, 2)
    failed: Mapping[int, str]  # what went wrong, by number of the simulation
    seconds: float  # of processor time, of all simulations
    groups: tuple[sbc.Group, ...]  # what is to be said of each kind of quantity
    forecast_checks: dict[str, sbc.ForecastCheck]  # verdicts on forecast probabilities, by target
    failures: tuple[str, ...]  # why it fails, see `beliefs.evaluation.calibration`

    def _facts(self) -> dict[str, Any]:
        return {
            "theory": self.settings["theory"], "study": self.settings["study"],
            "simulations": len(self.numbers),
            "outside": f"{len(self.outside)} of {len(self.judged)}", "passed": self.passed,
        }  # fmt: skip

    @property
    def outside(self) -> tuple[sbc.Judged, ...]:
        """Quantities that leave their own bands."""
        return tuple(row for row in self.judged if row.outside)

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data; the same simulations give the same bytes."""
        return {
            "format": files.FORMAT,
            **{k: v for k, v in self.settings.items() if k not in ("versions", "platform")},
            "simulations": len(self.numbers),
            "failed": {str(k): v for k, v in self.failed.items()},
            "coverage": sbc.COVERAGE, "passed": self.passed, "failures": list(self.failures),
            "judged": len(self.judged), "outside": [row.name for row in self.outside],
            "outside_by_chance": round((1.0 - sbc.COVERAGE) * len(self.judged), 2),
            "groups": [_rounded(row) for row in self.groups],
            "quantities": [_rounded(row) for row in self.judged],
            "probabilities": [
                {"target": k, **_rounded(v.all), **_rounded(v), "bins": [*map(_rounded, v.bins)]}
                for k, v in self.forecast_checks.items()
            ],
            "cut": CUT,
        }  # fmt: skip


def _rounded(row: Any) -> dict[str, Any]:
    """Return the numbers and words of a row, to six decimals, what is smaller to six digits."""
    return {
        k: (round(v, 6) if abs(v) > 0.1 else float(f"{v:.6g}")) if isinstance(v, float) else v
        for k, v in vars(row).items()
        if k not in ("all", "bins")
    }


def calibrate(
    theory: Theory | str | Path,
    study: Study,
    out: str | Path,
    *,
    sims: int = 200,
    seed: int,
    particles: int = PARTICLES,
    draws: int = sbc.DRAWS,
    horizon: int = 30,
    workers: int | None = None,
    scheduler: str | None = None,
    truth: Theory | None = None,
    progress: Callable[[int, int, float | None], None] | None = None,
) -> Calibration:
    """Calibrate the track of a theory by simulation, and keep it in a folder.

    Parameters
    ----------
    theory, study
        What is calibrated, and the design of drawn studies: calendar, evidence, coverage, shocks.
    out
        Folder, new or that of the same calibration, which then goes on where it was stopped.
    sims, seed
        Number of simulations, and seed of everything random. More simulations leave those that
        are done as they are, and so does another number of workers.
    particles, draws, horizon
        Particles of each block, posterior draws that the truth is ranked among, periods of futures.
    workers, scheduler
        Who does them, see `beliefs.evaluation.calibration.simulated`; this process alone when None.
    truth
        Theory that draws the studies, for a posterior that is wrong on purpose.
    progress
        Called with the number of simulations done, that of all, and the seconds left.

    Returns
    -------
    Calibration
        Ranks of the truth by quantity, (simulation,) each, and what they say.

    Raises
    ------
    ConflictError
        The folder holds another calibration, or another process is writing it.
    StudyError
        A setting that cannot be used; the folder cannot be written or was damaged.

    Examples
    --------
    >>> small = dict(sims=1, particles=100, draws=20, horizon=3)
    >>> beliefs.calibrate("M0", study, folder / "M0", seed=1, **small)
    <Calibration: theory base_rate, study watch, simulations 1, outside 0 of 73, passed False>
    """
    for name, value in (("sims", sims), ("draws", draws), ("workers", workers)):
        if value is not None and value < 1:
            raise StudyError(
                f"{name} cannot be used", where=name, found=str(value), expected="at least 1",
                fix="give a larger number",
            )  # fmt: skip
    theory, seed, folder = theory_of(theory), checked_seed(seed), Path(out)
    design = sbc.Design(study, theory, seed, particles, draws, horizon, truth)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.only_one(folder):
            settings = _settled(folder, design)
            done = _read_lines(folder / LINES)
            left = [k for k in range(sims) if k not in done]
            begun = time.monotonic()
            for count, line in enumerate(sbc.simulated(design, left, workers, scheduler), start=1):
                files.append(folder / LINES, json.dumps(line).encode() + b"\n")
                done[line["number"]] = line
                if progress is not None:
                    rest = (time.monotonic() - begun) / count * (len(left) - count)
                    progress(sims - len(left) + count, sims, rest)
            found = _judged(settings, [done[k] for k in sorted(done) if k < sims], draws)
            _write(folder, found)
    except OSError as error:
        raise files.unwritable(folder, error) from error
    return found


def _judged(settings: dict[str, Any], lines: list[dict[str, Any]], draws: int) -> Calibration:
    good = [line for line in lines if "error" not in line]
    first = good[0] if good else {"ranks": (), "probabilities": ()}
    ranks, probabilities = (
        {n: np.asarray([line[kind][n] for line in good], dtype) for n in first[kind]}
        for kind, dtype in (("ranks", np.int64), ("probabilities", float))
    )
    result = {name: sbc.check_forecasts(values, draws) for name, values in probabilities.items()}
    ranks = dict(sorted(ranks.items(), key=lambda item: sbc.GROUPS.index(item[0].split(":")[0])))
    judged = sbc.judge(ranks, draws, result)
    groups = sbc.groups_of(judged, ranks, draws)
    failed = {line["number"]: line["error"] for line in lines if "error" in line}
    numbers = np.asarray([line["number"] for line in good], dtype=np.int64)
    seconds = float(sum(line["seconds"] for line in lines))
    why = sbc.failures(judged, groups, failed, len(good))
    found = judged, probabilities, failed, seconds, groups, result, why
    return Calibration(settings, numbers, ranks, draws, *found)


def _write(folder: Path, found: Calibration) -> None:
    data = found.as_dict()
    checks = data["probabilities"]
    rows = [{"target": each["target"], **row} for each in checks for row in (each, *each["bins"])]
    head = ["target", *(field.name for field in fields(sbc.Bin)), "z", "reliability"]
    probabilities = pd.DataFrame(rows, columns=head)
    ranks = pd.DataFrame({"simulation": found.numbers, **found.ranks})
    for name, table in {"ranks": ranks, "probabilities": probabilities}.items():
        replace_file(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    replace_file(folder / "calibration.json", text + "\n")


def _settled(folder: Path, design: sbc.Design) -> dict[str, Any]:
    """Return the settings of a folder, written where it is new; refuse another calibration."""
    settings: dict[str, Any] = {
        "format": files.FORMAT,
        "theory": design.theory.name, "theory_sha256": design.theory.sha256,
        "drawn_from_sha256": (design.truth or design.theory).sha256,
        "study": design.study.spec.name, "study_sha256": design.study.sha256,
        "as_of": str(design.study.as_of),
        **{k: getattr(design, k) for k in ("seed", "particles", "draws", "horizon")},
        **files.environment(),
    }  # fmt: skip
    file = folder / SETTINGS
    # What a killed writer left half written is no other's.
    if all(item.name.endswith(PART) for item in folder.iterdir()):
        replace_file(file, files.dump(settings))
    kept = files.read_json(file) if file.exists() else {}
    for key, value in settings.items():
        if kept.get(key) != value:
            raise ConflictError(
                "the folder holds another calibration", where=str(folder),
                found=f"{key} = {kept[key]!r}" if key in kept else f"no {key} in {SETTINGS}",
                expected=f"{key} = {value!r}", fix="choose another --out",
            )  # fmt: skip
    return settings


def _read_lines(file: Path) -> dict[int, dict[str, Any]]:
    """Return the simulations that are done; the half line of a killed writer is cut off."""
    files.require_regular(file)
    data = file.read_bytes() if file.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(file, len(whole))
    done = {}
    for k, raw in enumerate(whole.splitlines(), start=1):
        try:
            line = json.loads(raw)
            done[int(line["number"])] = line
        except (ValueError, KeyError, TypeError) as error:
            expected = "ranks as `beliefs calibrate` writes them"
            raise files.damaged(file, f"line {k}: {error}", expected) from error
    return done


def save_backtest(
    out: str | Path, found: Backtest, study: Study, *, aside: Path | None = None
) -> Path:
    """Write the run folder of a backtest of a study, as `beliefs.records.run.save_run` does."""
    folder = Path(out)
    files.refuse_inside(folder, study.path)
    with files.written_aside(folder, aside) as place:
        copy_study(study.path, place / "study")
        replace_file(place / "theories.json", files.dump([table_of(t) for t in found.theories]))
        packed = {name: {"zlib": True, "complevel": 4} for name in ("happened", "when", "total")}
        files.write_tree(place / FRAME, found.to_dataset(), encoding=packed)
        hashes = {}
        for name in ("scores", "skill", "reliability", "pit"):
            how = {"float_format": "%.8g", "lineterminator": "\n"}
            text = getattr(found, name).to_csv(index=False, **how)
            replace_file(place / f"{name}.csv", text)
            hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        left_out, origins = ("skill", "reliability", "origins"), found.frame.origins
        manifest = {
            "format": files.FORMAT, "method": "backtest",
            **{k: v for k, v in found.as_dict().items() if k not in left_out},
            "origins": len(origins), "first_origin": str(origins[0]),
            "last_origin": str(origins[-1]), "tables_sha256": hashes, **files.environment(),
        }  # fmt: skip
        replace_file(place / "manifest.json", files.dump(manifest))
    return folder


def rescore(folder: str | Path) -> tuple[Backtest, Study]:
    """Score the forecasts of a folder of `save_backtest` anew, without forecasting again."""
    place = Path(folder)
    about = files.read_result(place / "manifest.json")
    if about.get("method") != "backtest":
        other = f"method {about.get('method')}"
        raise files.damaged(place / "manifest.json", other, "the manifest of a backtest")
    study = load_study(place / "study", as_of=about["as_of"])
    if study.sha256 != about["study_sha256"]:
        raise ConflictError(
            "the study in the folder is not the one that forecasts were made of",
            where=str(place / "study"),
            found=f"hash {study.sha256[:12]}",
            expected=f"hash {about['study_sha256'][:12]}",
            fix="restore it from a copy, or run the backtest again",
        )
    file = place / "theories.json"
    theories = tuple(
        theory_from_table(raw, str(file), checked=about["theories"].get(raw.get("id")))
        for raw in files.read_json(file, list)
    )
    data = files.read_tree(place / FRAME, None).to_dataset()
    try:
        frame = Frame.from_dataset(data, study.spec.side_ids)
    except (KeyError, ValueError) as error:
        raise files.damaged(place / FRAME, str(error), "the frame of a backtest") from error
    settings = {key: about[key] for key in ("every", "particles", "seed")}
    return scored(study, theories, frame, **settings), study
