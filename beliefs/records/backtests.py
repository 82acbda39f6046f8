"""Run folders of backtests.

A folder holds ``manifest.json``, ``forecasts.nc`` (the dense frame: origin, horizon, target,
sample), ``scores.csv``, ``skill.csv``, ``reliability.csv``, ``pit.csv``, the theories, and
``study/`` as it was read. It is written aside and renamed into place. What costs time is to
forecast; `rescore` holds the forecasts of a folder against what came by the present rules.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beliefs.errors import ConflictError
from beliefs.model.theory import table_of, theory_from_table
from beliefs.records.files import (
    FORMAT,
    damaged,
    dump,
    environment,
    read_json,
    read_result,
    read_tree,
    write_tree,
)
from beliefs.records.place import refuse_inside, written_aside
from beliefs.study.load import load_study
from beliefs.study.tables.append import copy_study
from beliefs.study.writefile import replace_file

if TYPE_CHECKING:
    from beliefs.evaluation.backtest.backtest import Backtest
    from beliefs.evaluation.backtest.frames import Frame
    from beliefs.study.load import Study

__all__ = ["FRAME", "rescore", "save_backtest"]

FRAME = "forecasts.nc"
_NUMBERS = "%.8g"


def save_backtest(
    out: str | Path, found: Backtest, study: Study, *, aside: Path | None = None
) -> Path:
    """Write the run folder of a backtest; it appears whole or not at all.

    Parameters
    ----------
    out
        Path of the new folder.
    found
        The backtest.
    study
        What it was made of.
    aside
        See `beliefs.records.run.save_run`.

    Raises
    ------
    ConflictError
        The folder exists, or another process is writing it.
    StudyError
        It lies inside the study folder, or cannot be written.
    """
    folder = Path(out)
    refuse_inside(folder, study.path)
    with written_aside(folder, aside) as place:
        copy_study(study.path, place / "study")
        replace_file(place / "theories.json", dump([table_of(t) for t in found.theories]))
        dataset = found.to_dataset()
        packed = {name: {"zlib": True, "complevel": 4} for name in ("happened", "when", "total")}
        write_tree(place / FRAME, dataset, encoding=packed)
        tables = {
            "scores": found.scores,
            "skill": found.skill,
            "reliability": found.reliability,
            "pit": found.pit,
        }
        hashes = {}
        for name, table in tables.items():
            text = table.to_csv(index=False, float_format=_NUMBERS, lineterminator="\n")
            replace_file(place / f"{name}.csv", text)
            hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        replace_file(place / "manifest.json", dump(_manifest(found, hashes)))
    return folder


def rescore(folder: str | Path) -> tuple[Backtest, Study]:
    """Score the forecasts of a run folder anew, without forecasting again.

    Parameters
    ----------
    folder
        From `save_backtest`, also of an earlier version.

    Returns
    -------
    Backtest, Study
        What `save_backtest` writes to another folder.

    Raises
    ------
    StudyError
        It is no folder of a backtest, or a file of it is damaged.
    ConflictError
        The study in it is not the one that forecasts were made of.
    """
    from beliefs.evaluation.backtest.backtest import scored

    place = Path(folder)
    about = read_result(place / "manifest.json")
    if about.get("method") != "backtest":
        raise damaged(
            place / "manifest.json", f"method {about.get('method')}", "the manifest of a backtest"
        )
    study = load_study(place / "study", as_of=about["as_of"])
    if study.sha256 != about["study_sha256"]:
        raise ConflictError(
            "the study in the folder is not the one that forecasts were made of",
            where=str(place / "study"),
            found=f"hash {study.sha256[:12]}",
            expected=f"hash {about['study_sha256'][:12]}",
            mend="restore it from a copy, or run the backtest again",
        )
    file = place / "theories.json"
    hashes = about["theories"]
    theories = tuple(
        theory_from_table(raw, str(file), checked=hashes.get(raw.get("id")))
        for raw in read_json(file)
    )
    frame = _frame(place / FRAME, study.spec.side_ids)
    found = scored(
        study, theories, frame, every=about["every"], particles=about["particles"],
        seed=about["seed"],
    )  # fmt: skip
    return found, study


def _frame(file: Path, sides: tuple[str, str]) -> Frame:
    from beliefs.evaluation.backtest.frames import Frame

    data = read_tree(file, None).to_dataset()
    try:
        return Frame.from_dataset(data, sides)
    except (KeyError, ValueError) as error:
        raise damaged(file, str(error), "the frame of a backtest") from error


def _manifest(found: Backtest, hashes: dict[str, str]) -> dict[str, Any]:
    said = {
        k: v for k, v in found.as_dict().items() if k not in ("skill", "reliability", "origins")
    }
    return {
        "format": FORMAT,
        "method": "backtest",
        **said,
        "origins": len(found.frame.origins),
        "first_origin": str(found.frame.origins[0]),
        "last_origin": str(found.frame.origins[-1]),
        "tables_sha256": hashes,
        **environment(),
    }
