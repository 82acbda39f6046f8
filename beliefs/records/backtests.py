"""Run folders of backtests.

A folder holds ``manifest.json``, ``forecasts.nc`` (the dense frame: origin, horizon, target,
sample), ``scores.csv``, ``skill.csv``, ``reliability.csv``, ``pit.csv``, the theories, and
``study/`` as it was read. It is written aside and renamed into place. What costs time is to
forecast; `rescore` holds the forecasts of a folder against what came by the present rules.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from beliefs.errors import ConflictError
from beliefs.evaluation.backtest.backtest import Backtest, scored
from beliefs.evaluation.backtest.frames import Frame
from beliefs.model.theory import table_of, theory_from_table
from beliefs.records import files
from beliefs.study.load import Study, load_study
from beliefs.study.tables.append import copy_study
from beliefs.study.writefile import replace_file

FRAME = "forecasts.nc"


def save_backtest(
    out: str | Path, found: Backtest, study: Study, *, aside: Path | None = None
) -> Path:
    """Write the run folder of a backtest of a study, as `beliefs.records.run.save_run` does."""
    folder = Path(out)
    files.refuse_inside(folder, study.path)
    with files.written_aside(folder, aside) as place:
        copy_study(study.path, place / "study")
        replace_file(place / "theories.json", files.dump([table_of(t) for t in found.theories]))
        dataset = found.to_dataset()
        packed = {name: {"zlib": True, "complevel": 4} for name in ("happened", "when", "total")}
        files.write_tree(place / FRAME, dataset, encoding=packed)
        hashes = {}
        for name in ("scores", "skill", "reliability", "pit"):
            table = getattr(found, name)
            text = table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
            replace_file(place / f"{name}.csv", text)
            hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        left_out, origins = ("skill", "reliability", "origins"), found.frame.origins
        manifest = {
            "format": files.FORMAT,
            "method": "backtest",
            **{k: v for k, v in found.as_dict().items() if k not in left_out},
            "origins": len(origins),
            "first_origin": str(origins[0]),
            "last_origin": str(origins[-1]),
            "tables_sha256": hashes,
            **files.environment(),
        }
        replace_file(place / "manifest.json", files.dump(manifest))
    return folder


def rescore(folder: str | Path) -> tuple[Backtest, Study]:
    """Score the forecasts of a folder of `save_backtest` anew, without forecasting again.

    Returns what `save_backtest` writes to another folder.
    """
    place = Path(folder)
    about = files.read_result(place / "manifest.json")
    if about.get("method") != "backtest":
        raise files.damaged(
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
        for raw in files.read_json(file)
    )
    data = files.read_tree(place / FRAME, None).to_dataset()
    try:
        frame = Frame.from_dataset(data, study.spec.side_ids)
    except (KeyError, ValueError) as error:
        raise files.damaged(place / FRAME, str(error), "the frame of a backtest") from error
    found = scored(
        study, theories, frame, every=about["every"], particles=about["particles"],
        seed=about["seed"],
    )  # fmt: skip
    return found, study
