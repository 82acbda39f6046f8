"""The files of a run folder: the manifest, JSON, netCDF by xarray, and hashes of what they hold."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.study.writefile import replace_file

__all__ = [
    "FORMAT", "content_hash", "damaged", "document_hash", "dump", "environment", "read_json",
    "read_manifest", "read_result", "read_table", "read_tree", "same_document", "same_hash",
    "write_tree",
]  # fmt: skip

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
_LARGE = 2**16  # bytes; larger arrays are hashed slice by slice along their first axis


def environment() -> dict[str, dict[str, str]]:
    """Return the versions and the platform that a posterior may depend on."""
    return {
        "versions": {name: _version(name) for name in ("beliefs", *_LIBRARIES)},
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
            found = f"{key} = {data[key]!r}" if key in data else f"no {key}"
            raise damaged(file, found, f"the key {key}")
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


def dump(data: Any) -> str:
    """Return JSON as it stands in run folders."""
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def document_hash(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a forecast document, whatever its spacing and order of keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def same_document(file: Path, document: Any, manifest: dict[str, Any]) -> None:
    """Raise StudyError when a forecast document was changed after the run.

    Manifests of before ``forecast_sha256`` was kept cannot tell.
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


def same_hash(what: str, where: Path, thing: str, found: str, expected: str) -> None:
    """Raise StudyError when a part of a run folder no longer has the hash it was written with."""
    if found != expected:
        raise StudyError(
            f"the {what} in the run folder was changed after the run",
            where=str(where),
            found=f"hash {found[:12]}",
            expected=f"hash {expected[:12]}",
            mend=f"restore the {thing}, or run again",
        )


def write_tree(file: Path, tree: Any, **how: Any) -> None:
    """Write a DataTree or a Dataset, by way of memory: HDF5 itself does not survive a full disk."""
    replace_file(file, tree.to_netcdf(engine="h5netcdf", **how))


def read_tree(file: Path, expected: str | None) -> Any:
    """Return a DataTree of a run folder, held against the hash it was written with.

    Raises
    ------
    StudyError
        The file cannot be read, or its content has another hash; None takes any.
    """
    import xarray as xr

    seconds = xr.coders.CFDatetimeCoder(time_unit="s")  # nanoseconds begin in 1677
    try:
        with xr.open_datatree(file, engine="h5netcdf", decode_times=seconds) as opened:
            tree = opened.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise damaged(file, str(error), "a netCDF file as `beliefs` writes it") from error
    if expected is not None:
        same_hash(file.stem, file, "file", content_hash(tree), expected)
    return tree


def content_hash(tree: Any) -> str:
    """Return the SHA-256 of all arrays of a DataTree, whatever the file format does around them.

    Names, shapes and values count, in the order of groups and names; equal hashes mean equal bits.
    """
    arrays = {
        (node.path, str(name)): np.asarray(variable.values)
        for node in tree.subtree
        for name, variable in node.to_dataset().variables.items()
    }
    digest = hashlib.sha256()
    for (path, name), values in sorted(arrays.items()):
        kind = values.dtype.kind
        kind = "U" if kind in "OUT" else kind  # text comes back from a file as another kind of text
        digest.update(f"{path}/{name}{values.shape}{kind}".encode())
        if kind == "U":
            digest.update("\0".join(str(v) for v in values.ravel()).encode())
        elif values.ndim > 1 and values.nbytes >= _LARGE:
            for piece in values:
                digest.update(hashlib.sha256(_bytes(piece)).digest())
        else:
            digest.update(_bytes(_nanoseconds(values) if kind == "M" else values))
    return digest.hexdigest()


def _nanoseconds(days: NDArray[Any]) -> NDArray[np.int64]:
    """Return days as nanoseconds since 1970 modulo 2^64, whatever unit they are kept in."""
    return days.astype("datetime64[D]").astype(np.int64) * np.int64(86_400 * 10**9)


def _bytes(piece: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(piece).reshape(-1).view(np.uint8)
