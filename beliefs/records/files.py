"""One folder of results: where it will be, how it comes to stand there whole, and its files.

A run folder appears by one rename, the only commit. Locks (`filelock`) keep two processes from
computing the same in vain; the kernel lets go of one when its holder ends, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any

import numpy as np
import xarray as xr
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from beliefs.errors import ConflictError, StudyError
from beliefs.study.safefile import MAX_FILE_BYTES
from beliefs.study.writefile import flush

FORMAT = 2  # of manifests, and of the other JSON files in which results are kept
SEED = 1  # of the futures of a run that holds no forecast, as of `beliefs forecast`

# What readers of a manifest rely on, and its types.
_MANIFEST: dict[str, type | UnionType] = {
    **dict.fromkeys(("study_sha256", "theory_sha256", "posterior_content_sha256", "as_of"), str),
    **dict.fromkeys(("convergence", "seed", "settings"), dict),
    **{"horizon": int | None, "interventions": list},
    **dict.fromkeys(("timings_seconds", "versions", "platform"), dict),
}
_LIBRARIES = ("pymc", "nutpie", "pytensor", "arviz", "numpy", "xarray", "numba", "preliz", "scipy")
_LARGE = 2**16  # bytes; larger arrays are hashed slice by slice along their first axis
_PART, _LOCK = ".beliefs.part", ".beliefs.lock"


def aside_of(out: Path) -> Path:
    """Return the folder in which a run folder is written until it is whole."""
    return out.parent / f".{out.name}{_PART}"


def _lock_of(folder: Path) -> Path:
    return folder.parent / f".{folder.name}{_LOCK}"


@contextlib.contextmanager
def locked(
    file: Path, timeout: float, busy: ConflictError, *, needed: bool = True
) -> Iterator[None]:
    """Hold a lock file and leave none behind; raise `busy` when another keeps it for `timeout` s.

    A place where nobody may write holds no lock: an OSError if it is `needed`.
    """
    lock = FileLock(file, timeout=timeout, poll_interval=0.005)
    try:
        held = lock.acquire()
    except Timeout as error:
        raise busy from error
    except OSError:
        if needed:
            raise
        yield
        return
    with held:
        try:
            yield
        finally:
            # While it is held: filelock takes no unlinked file for the lock.
            with contextlib.suppress(OSError):  # Windows keeps what is open
                file.unlink()


def busy(doing: str, where: str | Path, found: str, fix: str) -> ConflictError:
    """Return the error for what another process holds."""
    return ConflictError(
        f"another process is {doing}", where=str(where), found=found,
        expected="one process at a time", fix=fix,
    )  # fmt: skip


@contextlib.contextmanager
def only_one(run: str | Path) -> Iterator[None]:
    """Let no other process go on from a run folder, which exists, while the block runs."""
    fix = "wait until that one is done, and go on from the run folder it writes"
    other = busy("updating this run", run, "it is locked", fix)
    with locked(_lock_of(Path(run).resolve()), 0.4, other, needed=False):
        yield


@contextlib.contextmanager
def reserved(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out` in which nobody else writes; it is gone afterwards.

    What killed processes left there is removed: for this `out`, and for others in the same place.
    """
    aside = aside_of(out)
    found = f"its half-written folder {aside.name}, locked"
    fix = "wait until that one is done, or choose another --out"
    other = busy("writing this run folder", out, found, fix)
    with contextlib.ExitStack() as held:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(_lock_of(out), 0.4, other))
            if aside.exists():  # of a killed process; a link there is refused
                shutil.rmtree(aside)
            aside.mkdir(mode=0o700)
        except OSError as error:
            raise unwritable(out, error) from error
        try:
            for left in out.parent.glob(f".*{_PART}"):
                lock = left.with_name(left.name.removesuffix(_PART) + _LOCK)
                if left != aside:
                    with contextlib.suppress(OSError, ConflictError), locked(lock, 0.0, other):
                        shutil.rmtree(left, ignore_errors=True)
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def written_aside(out: Path, aside: Path | None = None) -> Iterator[Path]:
    """Yield a folder beside `out` that takes its place when the block succeeds.

    `aside` is that folder if the caller holds it already, see `reserved`.
    """
    refuse_existing(out)
    with contextlib.ExitStack() as held:
        if aside is None:
            aside = held.enter_context(reserved(out))
        try:
            for left in aside.iterdir():  # a first attempt may have failed
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield aside
            commit(aside, out)
        except (OSError, StudyError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if not isinstance(cause, OSError):
                raise
            raise unwritable(out, cause) from error  # an error may name the folder that goes away


def commit(aside: Path, out: Path) -> None:
    """Make a whole folder the run folder `out`, at once; OSError when it cannot be renamed."""
    for folder, _, names in os.walk(aside):  # a crash of the machine leaves no half run
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                os.fsync(file.fileno())
        flush(Path(folder))
    aside.chmod(0o755)
    refuse_existing(out)  # a rename would replace an empty folder
    try:
        os.rename(aside, out)
    except OSError:
        refuse_existing(out)
        raise
    flush(out.parent)


def refuse_existing(out: Path) -> None:
    """Raise ConflictError when something of that name exists."""
    if os.path.lexists(out):  # a link that leads nowhere takes the name as well
        raise ConflictError(
            "the run folder exists already", where=str(out),
            found="a folder or file of that name", expected="a name that is free",
            fix="choose another --out, or remove the old run yourself",
        )  # fmt: skip


def refuse_inside(out: str | Path, other: str | Path, what: str = "the study folder") -> None:
    """Raise StudyError when `out` lies inside another folder, directly or through links."""
    folder = Path(other).resolve()
    if Path(out).resolve().is_relative_to(folder):
        raise StudyError(
            f"the run folder would lie inside {what}", where=str(out), found=f"a place in {folder}",
            expected=f"a place outside {what}, which holds only its own files",
            fix="choose another --out",
        )  # fmt: skip


def unwritable(out: Path, error: OSError) -> StudyError:
    """Return the error for a run folder that cannot be written; it names the file within."""
    found = error.strerror or str(error)
    if error.filename is not None:
        found += f": {Path(os.fsdecode(error.filename)).name}"
    return StudyError(
        "the run folder could not be written", where=str(out), found=found,
        expected="a writable place with enough room",
        fix="free some room or choose another --out; nothing was left behind",
    )  # fmt: skip


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
    """Return the manifest of a run folder; StudyError if it is missing or incomplete."""
    file = Path(path) / "manifest.json"
    data = read_result(file)
    for key, kind in _MANIFEST.items():
        if key not in data or not isinstance(data[key], kind) or isinstance(data[key], bool):
            found = f"{key} = {data[key]!r}" if key in data else f"no {key}"
            raise damaged(file, found, f"the key {key}")
    if type(data["seed"].get("fit")) is not int:  # a truth value is an int too
        raise damaged(file, f"seed = {data['seed']!r}", "the seed of the fit, a whole number")
    return data


def seed_of(manifest: dict[str, Any], given: int | None) -> int:
    """Return the seed that was given, or that of the forecast which a run holds, or `SEED`."""
    return next(x for x in (given, manifest["seed"]["forecast"], SEED) if x is not None)


def require_regular(file: Path) -> None:
    """Raise OSError for a device, which may have no end, and a pipe, which waits for a writer."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise OSError(errno.EINVAL, "not a regular file", str(file))


def load_json(file: Path) -> Any:
    """Return the content of a JSON file; OSError or ValueError for what is no such file."""
    require_regular(file)
    with file.open("rb") as opened:
        content = opened.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, f"more than {MAX_FILE_BYTES} bytes", str(file))
    try:
        return json.loads(content.decode("utf-8"))
    except RecursionError as error:
        raise ValueError(str(error)) from error


def read_json(file: Path, kind: type = dict) -> Any:
    """Return the table, or the list, in a JSON file of a run folder, or raise StudyError."""
    try:
        data = load_json(file)
    except OSError as error:
        raise damaged(file, error.strerror or type(error).__name__, "a readable file") from error
    except ValueError as error:
        raise damaged(file, str(error), "JSON as `beliefs` writes it") from error
    if not isinstance(data, kind):
        wanted = "a table of keys" if kind is dict else f"a {kind.__name__}"
        raise damaged(file, f"a {type(data).__name__}", wanted)
    return data


def read_result(file: Path) -> dict[str, Any]:
    """Return a JSON file of results; StudyError if this version cannot read its format."""
    data: dict[str, Any] = read_json(file)
    version = data.get("format")
    if version != FORMAT:
        raise StudyError(
            f"{file.name} is of a format that this version does not read",
            where=str(file),
            found="no format" if version is None else f"format {version!r}",
            expected=f"format {FORMAT}",
            fix="read it with the version of beliefs that wrote it, or run again",
        )
    return data


def dump(data: Any) -> str:
    """Return JSON as it stands in run folders."""
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def document_hash(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a forecast document, whatever its spacing and order of keys."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def damaged(file: Path, found: str, expected: str) -> StudyError:
    """Return the error for a file of a run folder that cannot be used."""
    return StudyError(
        f"{file.name} in the run folder is damaged", where=str(file), found=found,
        expected=expected, fix="restore the file, or run again",
    )  # fmt: skip


def same_hash(what: str, where: Path, thing: str, found: str, expected: str) -> None:
    """Raise StudyError when a part of a run folder no longer has the hash it was written with."""
    if found != expected:
        raise StudyError(
            f"the {what} in the run folder was changed after the run", where=str(where),
            found=f"hash {found[:12]}", expected=f"hash {expected[:12]}",
            fix=f"restore the {thing}, or run again",
        )  # fmt: skip


def append(file: Path, data: bytes) -> None:
    """Write all bytes at the end of a file, and have the disk keep them."""
    new = not file.exists()
    with file.open("ab", buffering=0) as opened:
        while data:
            data = data[opened.write(data) :]
        os.fsync(opened.fileno())
    if new:
        flush(file.parent)


def write_tree(file: Path, tree: Any, **how: Any) -> None:
    """Write a DataTree or a Dataset into a folder that is not whole yet."""
    try:
        tree.to_netcdf(file, engine="netcdf4", **how)
    except RuntimeError as error:  # all that netCDF says of a full disk
        raise OSError(errno.EIO, f"{error}, as where the disk is full", str(file)) from error
    flush(file)


def read_tree(file: Path, expected: str | None) -> Any:
    """Return a DataTree of a run folder that has the expected `content_hash`; None takes any."""
    seconds = xr.coders.CFDatetimeCoder(time_unit="s")  # nanoseconds begin in 1677
    try:
        require_regular(file)
        with xr.open_datatree(file, engine="netcdf4", decode_times=seconds) as opened:
            tree = opened.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise damaged(file, str(error), "a netCDF file as `beliefs` writes it") from error
    if expected is not None:
        same_hash(file.stem, file, "file", content_hash(tree), expected)
    return tree


def content_hash(tree: Any) -> str:
    """Return the SHA-256 of names, shapes and bits of all arrays of a DataTree, in their order."""
    arrays = {
        (node.path, str(name)): np.asarray(variable.values)
        for node in tree.subtree
        for name, variable in node.to_dataset().variables.items()
    }
    digest = hashlib.sha256()
    for (path, name), values in sorted(arrays.items()):
        # Text comes back from a file as another kind of text.
        kind = "U" if values.dtype.kind in "OUT" else values.dtype.kind
        digest.update(f"{path}/{name}{values.shape}{kind}".encode())
        if kind == "U":
            digest.update("\0".join(str(v) for v in values.ravel()).encode())
        elif values.ndim > 1 and values.nbytes >= _LARGE:
            for piece in values:
                digest.update(hashlib.sha256(_bytes(piece)).digest())
        elif kind == "M":  # nanoseconds since 1970 modulo 2^64, whatever unit days are kept in
            days = values.astype("datetime64[D]").astype(np.int64)
            digest.update(_bytes(days * np.int64(86_400 * 10**9)))
        else:
            digest.update(_bytes(values))
    return digest.hexdigest()


def _bytes(piece: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(piece).reshape(-1).view(np.uint8)
