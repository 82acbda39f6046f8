"""The files of a calibration folder: settings checked, simulations appended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from beliefs.errors import ConflictError
from beliefs.evaluation.calibration.calibration import Design
from beliefs.records.manifest import FORMAT, damaged, environment, read_table
from beliefs.study.writefile import PART, replace_file

__all__ = ["LINES", "SETTINGS", "append_line", "read_lines", "settled"]

LINES, SETTINGS = "ranks.jsonl", "settings.json"


def settled(folder: Path, design: Design) -> dict[str, Any]:
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


def read_lines(file: Path) -> dict[int, dict[str, Any]]:
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


def append_line(number: int, line: dict[str, Any]) -> None:
    """Append a simulation to an open descriptor, and have the disk keep it."""
    data = json.dumps(line).encode() + b"\n"
    while data:
        data = data[os.write(number, data) :]
    os.fsync(number)
