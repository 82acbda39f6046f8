"""Run folders of backtests.

A folder holds ``manifest.json``, ``forecasts.nc`` (the dense frame: origin, horizon, target,
sample), ``scores.csv``, ``skill.csv``, ``reliability.csv``, ``pit.csv``, the theories, and
``study/`` as it was read. It is written aside and renamed into place.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beliefs.record.manifest import environment
from beliefs.record.run import refuse_inside, written_aside
from beliefs.study.append import copy_study
from beliefs.theory.theory import table_of

if TYPE_CHECKING:
    from beliefs.evaluate.backtest import Backtest
    from beliefs.study.load import Study

__all__ = ["FRAME", "save_backtest"]

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
        See `beliefs.record.run.write_run`.

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
        (place / "theories.json").write_text(_dump([table_of(t) for t in found.theories]))
        dataset = found.to_dataset()
        packed = {name: {"zlib": True, "complevel": 4} for name in ("happened", "when", "total")}
        # By way of memory: HDF5 itself does not survive a full disk.
        (place / FRAME).write_bytes(dataset.to_netcdf(engine="h5netcdf", encoding=packed))
        tables = {
            "scores": found.scores,
            "skill": found.skill,
            "reliability": found.reliability,
            "pit": found.pit,
        }
        hashes = {}
        for name, table in tables.items():
            text = table.to_csv(index=False, float_format=_NUMBERS, lineterminator="\n")
            (place / f"{name}.csv").write_text(text)
            hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        (place / "manifest.json").write_text(_dump(_manifest(found, hashes)))
    return folder


def _manifest(found: Backtest, hashes: dict[str, str]) -> dict[str, Any]:
    said = {
        k: v for k, v in found.as_dict().items() if k not in ("skill", "reliability", "origins")
    }
    return {
        "format": 1,
        "method": "backtest",
        **said,
        "origins": len(found.frame.origins),
        "first_origin": str(found.frame.origins[0]),
        "last_origin": str(found.frame.origins[-1]),
        "tables_sha256": hashes,
        **environment(),
    }


def _dump(data: Any) -> str:
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
