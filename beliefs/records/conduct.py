"""Draws of conduct in a run folder, so that a forecast from it need not learn them again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beliefs.records.hashes import arrays_hash
from beliefs.records.manifest import damaged, read_manifest
from beliefs.records.netcdf import read_netcdf, write_netcdf
from beliefs.records.run import same_hash

if TYPE_CHECKING:
    from beliefs.inference.conduct import Conduct

__all__ = ["FILE", "conduct_hash", "conduct_in", "write_conduct"]

FILE = "conduct.nc"
_GROUPS = ("posterior", "prior", "base")


def _groups(conduct: Conduct) -> dict[str, dict[str, Any]]:
    def dims(name: str, values: Any) -> tuple[str, ...]:
        return ("sample", *(f"{name}_{k}" for k in range(values.ndim - 1)))

    groups: dict[str, dict[str, Any]] = {
        group: {
            name: (dims(name, values), values)
            for name, values in sorted(getattr(conduct, group).items())
        }
        for group in _GROUPS
    }
    densities = ("log_prior", "log_likelihood")
    groups["density"] = {
        name: (("sample",), np.ascontiguousarray(getattr(conduct, name))) for name in densities
    }
    return groups


def conduct_hash(conduct: Conduct) -> str:
    """Return the hash of all draws."""
    return _hash(_groups(conduct))


def _hash(groups: Any) -> str:
    return arrays_hash(
        (f"/{group}/{name}", values)
        for group, variables in sorted(groups.items())
        for name, (_, values) in sorted(variables.items())
    )


def write_conduct(folder: Path, conduct: Conduct) -> None:
    """Write the draws into a run folder that is being made."""
    attributes = {"theory": conduct.theory, "seed": conduct.seed}
    write_netcdf(folder / FILE, _groups(conduct), attributes)


def conduct_in(path: str | Path) -> Conduct | None:
    """Return the draws of conduct of a run folder; None where it holds none.

    Raises
    ------
    StudyError
        The file cannot be read, or was changed after the run.
    """
    from beliefs.inference.conduct import Conduct

    file = Path(path) / FILE
    expected = read_manifest(path).get("conduct_content_sha256")
    if expected is None:
        return None
    try:
        groups, attributes = read_netcdf(file)
        found = _hash(groups)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise damaged(file, str(error), "a netCDF file as `beliefs run` writes it") from error
    same_hash("conduct", file, "file", found, expected)
    draws = {g: {name: v for name, (_, v) in groups[g].items()} for g in groups}
    return Conduct(
        theory=str(attributes["theory"]),
        seed=int(attributes["seed"]),
        posterior=draws["posterior"],
        prior=draws["prior"],
        base=draws["base"],
        log_prior=draws["density"]["log_prior"],
        log_likelihood=draws["density"]["log_likelihood"],
    )
