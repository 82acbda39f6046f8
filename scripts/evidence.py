"""What backtests and calibrations showed, kept small: from run folders to summaries and back.

A summary of backtests is of one study, whichever theories were run in which folder::

    summary.json      study, settings, theories with their hashes, convergence, versions
    skill.csv         every theory against every baseline
    reliability.csv   how often what was forecast came

A summary of a calibration is its ``calibration.json`` and ``ranks.csv``.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.evaluation.scores.skilltable import reliability_table, skill_table
from beliefs.records.files import FORMAT, damaged, read_json, read_result
from beliefs.study.writefile import write_file

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BacktestSummary",
    "CalibrationSummary",
    "backtest_folders",
    "calibration_folders",
    "read_backtest_summary",
    "read_calibration",
    "summarise_backtests",
    "write_backtest_summary",
    "write_calibration_summary",
]

_SAME = ("study", "study_sha256", "as_of", "every", "horizons", "particles", "draws", "seed")
"""Settings that folders of one study must share to be read side by side."""
_SPAN = ("origins", "first_origin", "last_origin")
_NUMBERS = "%.6g"
_WRITTEN = "what `beliefs backtest` or `beliefs calibrate` wrote"


@dataclass(frozen=True, eq=False)
class BacktestSummary:
    """Backtests of one study.

    Attributes
    ----------
    about
        Study, settings, ``theories`` (id -> hash), ``converged`` (id -> origins), ``unscored``
        (target -> why), and ``versions``.
    skill
        See `beliefs.evaluation.scores.skilltable`.
    reliability
        See `beliefs.evaluation.scores.skilltable.reliability_table`.
    """

    about: dict[str, Any]
    skill: pd.DataFrame
    reliability: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CalibrationSummary:
    """A calibration of one theory.

    Attributes
    ----------
    result
        As `beliefs.records.evaluations.Calibration.as_dict` says it.
    ranks
        By quantity, (simulation,).
    """

    result: dict[str, Any]
    ranks: dict[str, NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class _Scored:
    theories: tuple[str, ...]
    origins: NDArray[np.datetime64]


def backtest_folders(path: str | Path) -> list[Path]:
    """Return the run folders of backtests that a path is, or holds.

    Parameters
    ----------
    path
        A run folder, or a folder of such.
    """
    found = _found(path, "manifest.json")
    return [p.parent for p in found if read_json(p).get("method") == "backtest"]


def calibration_folders(path: str | Path) -> list[Path]:
    """Return the folders of finished calibrations that a path is, or holds.

    Parameters
    ----------
    path
        A calibration folder, or a folder of such.
    """
    return [p.parent for p in _found(path, "calibration.json")]


def _found(path: str | Path, name: str) -> list[Path]:
    """Return files of that name in a folder or one level below, those half written left out."""
    folder = Path(path)
    if not folder.is_dir():
        raise StudyError(
            "there is no such folder", where=str(folder), expected="a run folder, or one of such",
            fix="run `beliefs backtest` or `beliefs calibrate` first",
        )  # fmt: skip
    here = folder / name
    if here.is_file():
        return [here]
    return sorted(p for p in folder.glob(f"*/{name}") if not p.parent.name.startswith("."))


def summarise_backtests(folders: Iterable[str | Path]) -> list[BacktestSummary]:
    """Return one summary for each study, made of the scores in the folders.

    Parameters
    ----------
    folders
        Run folders of `beliefs.records.evaluations.save_backtest`. Theories of one study may lie in
        several folders: scores are paired by origin, so that they are as if run at once.

    Raises
    ------
    StudyError
        A folder is damaged; folders of one study have other settings, or the same theory.
    """
    by: dict[str, list[Path]] = {}
    for folder in map(Path, folders):
        by.setdefault(read_result(folder / "manifest.json")["study"], []).append(folder)
    return [_summary(parts) for _, parts in sorted(by.items())]


def _summary(folders: Sequence[Path]) -> BacktestSummary:
    import pandas as pd

    result = [(read_result(f / "manifest.json"), f) for f in folders]
    result.sort(key=lambda one: list(one[0]["theories"]))
    head = result[0][0]
    seen: set[str] = set()
    for about, folder in result:
        for key in (*_SAME, *_SPAN, "versions"):
            if about[key] != head[key]:
                raise _unlike(folder, f"{key} = {about[key]!r}", f"{head[key]!r}")
        if twice := seen & set(about["theories"]):
            raise _unlike(folder, ", ".join(sorted(twice)), "each theory once")
        seen |= set(about["theories"])
    scores = pd.concat([_scores(f, about) for about, f in result], ignore_index=True)
    # Baselines know no theory and stand in every folder.
    keys = ["origin", "horizon", "target", "forecaster"]
    scores = scores.drop_duplicates(ignore_index=True)
    if scores.duplicated(keys).any():
        raise _unlike(folders[-1], "other scores of a baseline", "the same in all folders")
    theories = tuple(name for about, _ in result for name in about["theories"])
    first, last = (np.datetime64(head[k], "D") for k in ("first_origin", "last_origin"))
    step = np.timedelta64(head["every"], "D")
    scored = _Scored(theories, np.arange(first, last + step, step))
    return BacktestSummary(
        about={
            "format": FORMAT,
            **{k: head[k] for k in (*_SAME, *_SPAN)},
            "theories": {k: v for about, _ in result for k, v in about["theories"].items()},
            "converged": {k: v for about, _ in result for k, v in about["converged"].items()},
            "unscored": {k: v for about, _ in result for k, v in about["unscored"].items()},
            "versions": head["versions"],
        },
        skill=skill_table(scores, scored, head["every"], seed=head["seed"]),
        reliability=reliability_table(scores, head["every"], seed=head["seed"]),
    )


def _unlike(folder: Path, found: str, expected: str) -> StudyError:
    return StudyError(
        "backtests of one study cannot be read side by side",
        where=str(folder),
        found=found,
        expected=expected,
        fix="run them with the same settings, or name fewer folders",
    )


def _scores(folder: Path, about: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    data = _bytes(folder / "scores.csv")
    if hashlib.sha256(data).hexdigest() != about["tables_sha256"]["scores"]:
        raise damaged(folder / "scores.csv", "another hash than that in manifest.json", _WRITTEN)
    scores = pd.read_csv(io.BytesIO(data), parse_dates=["origin"])
    if scores["spell"].isna().any():  # written before counts had spells
        raise damaged(folder / "scores.csv", "rows without a spell", _WRITTEN)
    return scores


def write_backtest_summary(summary: BacktestSummary, folder: str | Path) -> None:
    """Write a summary into a folder, over one that is there.

    Parameters
    ----------
    summary
        From `summarise_backtests`.
    folder
        Made where it is missing.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    write_file(place / "summary.json", _dump(summary.about))
    for name in ("skill", "reliability"):
        table: pd.DataFrame = getattr(summary, name)
        text = table.to_csv(index=False, float_format=_NUMBERS, lineterminator="\n")
        write_file(place / f"{name}.csv", text)


def read_backtest_summary(folder: str | Path) -> BacktestSummary:
    """Read what `write_backtest_summary` wrote.

    Raises
    ------
    StudyError
        A file is missing or damaged.
    """
    import pandas as pd

    place = Path(folder)
    skill, reliability = (
        pd.read_csv(io.BytesIO(_bytes(place / f"{name}.csv"))) for name in ("skill", "reliability")
    )
    return BacktestSummary(read_result(place / "summary.json"), skill, reliability)


def read_calibration(folder: str | Path) -> CalibrationSummary:
    """Read the result of a calibration from its folder, or from a summary of it.

    Raises
    ------
    StudyError
        A file is missing or damaged.
    """
    import pandas as pd

    place = Path(folder)
    table = pd.read_csv(io.BytesIO(_bytes(place / "ranks.csv")))
    result = read_result(place / "calibration.json")
    ranks = {str(n): table[n].to_numpy(np.int64) for n in table.columns if n != "simulation"}
    # Forecast probabilities are judged among the others and have no ranks.
    ranked = {q["name"] for q in result["quantities"] if q["mean"] is not None}
    if len(table) != result["simulations"] or set(ranks) != ranked:
        raise damaged(place / "ranks.csv", "other simulations or quantities than judged", _WRITTEN)
    return CalibrationSummary(result, ranks)


def write_calibration_summary(summary: CalibrationSummary, folder: str | Path) -> None:
    """Write a calibration's result into a folder, over one that is there.

    Parameters
    ----------
    summary
        From `read_calibration`.
    folder
        Made where it is missing.
    """
    import pandas as pd

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    write_file(place / "calibration.json", _dump(summary.result))
    text = pd.DataFrame(summary.ranks).to_csv(index_label="simulation", lineterminator="\n")
    write_file(place / "ranks.csv", text)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise damaged(file, str(error), _WRITTEN) from error


def _dump(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
