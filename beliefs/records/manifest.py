"""The manifest of a run folder: what it must hold, and where the run was computed."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path
from types import NoneType
from typing import Any

from beliefs.errors import StudyError

__all__ = [
    "FORMAT",
    "damaged",
    "document_hash",
    "environment",
    "read_json",
    "read_manifest",
    "read_result",
    "same_document",
]

FORMAT = 1
"""Of manifests, and of the other JSON files in which results are kept."""

# What readers of a manifest rely on, and its types.
_MANIFEST: dict[str, type | tuple[type, ...]] = {
    "study_sha256": str,
    "theory_sha256": str,
    "posterior_content_sha256": str,
    "as_of": str,
    "gate": dict,
    "seed": dict,
    "settings": dict,
    "horizon": (int, NoneType),
    "interventions": list,
    "timings_seconds": dict,
    "versions": dict,
    "platform": dict,
}
_LIBRARIES = ("pymc", "nutpie", "pytensor", "arviz", "numpy", "xarray", "numba", "preliz", "scipy")


def environment() -> dict[str, dict[str, str]]:
    """Return the versions and the platform that a posterior may depend on."""
    return {
        "versions": {"beliefs": _version("beliefs")} | {n: _version(n) for n in _LIBRARIES},
        "platform": {
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
        },
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Return the manifest of a run folder.

    Raises
    ------
    StudyError
        It is missing, no JSON or incomplete, or of another format.
    """
    file = Path(path) / "manifest.json"
    data = read_result(file)
    for key, kind in _MANIFEST.items():
        if key not in data or not isinstance(data[key], kind) or isinstance(data[key], bool):
            raise damaged(
                file, f"{key} = {data[key]!r}" if key in data else f"no {key}", f"the key {key}"
            )
    seed = data["seed"].get("fit")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise damaged(file, f"seed = {data['seed']!r}", "the seed of the fit, a whole number")
    return data


def read_json(file: Path) -> Any:
    """Return the content of a JSON file of a run folder, or raise StudyError."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise damaged(file, error.strerror or type(error).__name__, "a readable file") from error
    except (ValueError, RecursionError) as error:
        raise damaged(file, str(error), "JSON as `beliefs` writes it") from error


def read_table(file: Path) -> dict[str, Any]:
    """Return the table that a JSON file of a run folder holds, or raise StudyError."""
    data = read_json(file)
    if not isinstance(data, dict):
        raise damaged(file, f"a {type(data).__name__}", "a table of keys")
    return data


def read_result(file: Path) -> dict[str, Any]:
    """Return a manifest or another JSON file of results, if this version can read its format.

    Raises
    ------
    StudyError
        It cannot be read; its ``format`` is missing or is not `FORMAT`.
    """
    data = read_table(file)
    version = data.get("format")
    if version != FORMAT or isinstance(version, bool):
        raise StudyError(
            f"{file.name} is of a format that this version does not read",
            where=str(file),
            found="no format" if version is None else f"format {version!r}",
            expected=f"format {FORMAT}",
            mend="read it with the version of beliefs that wrote it, or run again",
        )
    return data


def document_hash(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a forecast document, whatever its spacing and order of keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def same_document(file: Path, document: Any, manifest: dict[str, Any]) -> None:
    """Refuse a forecast document that was changed after the run.

    Manifests of before ``forecast_sha256`` was kept cannot tell.

    Raises
    ------
    StudyError
        It has another hash than the manifest says.
    """
    wanted = manifest.get("forecast_sha256")
    if wanted is not None and document_hash(document) != wanted:
        raise damaged(
            file, f"hash {document_hash(document)[:12]}", f"hash {wanted[:12]}, as it was written"
        )


def damaged(file: Path, found: str, expected: str) -> StudyError:
    """Return the error for a file of a run folder that cannot be used."""
    return StudyError(
        f"{file.name} in the run folder is damaged",
        where=str(file),
        found=found,
        expected=expected,
        mend="restore the file, or run again",
    )
