"""Groups of named arrays in a netCDF file, without xarray, whose import alone takes long.

The files are those that xarray opens (``xr.open_datatree``): netCDF-4, that is HDF5 with one group
per group and dimension scales; dates are days since 1970, truth values bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["read_netcdf", "write_netcdf"]

_EPOCH = "days since 1970-01-01"
_UNITS = {"days": "D", "nanoseconds": "ns"}
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable. %9d"
_ROOM = 2**20  # for names and the like
_LARGE, _ALIGNED = 2**16, 64  # arrays of so many bytes begin at a multiple of the latter


def write_netcdf(
    file: Path,
    groups: Mapping[str, Mapping[str, tuple[tuple[str, ...], Any]]],
    attributes: Mapping[str, Any],
) -> None:
    """Write a new file.

    Parameters
    ----------
    file
        Path of the file; it must not exist.
    groups
        Group -> variable -> names of its dimensions, values: numbers, truth values, text or
        dates. A tuple of arrays stands for their stack, which is then never made.
        Dimensions are longer than 0.
    attributes
        Of the whole file, texts and numbers.

    Raises
    ------
    OSError
        There is no room, or no right to write.
    """
    import h5py

    _reserve(file, sum(_size(v) for variables in groups.values() for _, v in variables.values()))
    try:
        with h5py.File(
            file,
            "w",
            libver=("v108", "v108"),
            alignment_threshold=_LARGE,
            alignment_interval=_ALIGNED,
        ) as root:
            root.attrs.update(attributes)
            for name, variables in groups.items():
                _write_group(root.create_group(name, track_order=True), variables)
    except RuntimeError as error:  # HDF5's own, of a write that failed
        raise OSError(str(error)) from error


def _reserve(file: Path, size: int) -> None:
    """Ask for the room before HDF5 does, which leaves a mess on a full disk."""
    if not hasattr(os, "posix_fallocate"):
        return
    number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.posix_fallocate(number, 0, size + _ROOM)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        os.close(number)


def _size(values: Any) -> int:
    pieces = values if isinstance(values, tuple) else (values,)
    return sum(np.asarray(piece).nbytes for piece in pieces)


def _write_group(group: Any, variables: Mapping[str, tuple[tuple[str, ...], Any]]) -> None:
    import h5py

    scales: dict[str, Any] = {}
    waiting = []
    for name, (dims, values) in variables.items():
        stored, notes = _stored(values)
        if isinstance(stored, tuple):
            shape = (len(stored), *stored[0].shape)
            made = group.create_dataset(name, shape, stored[0].dtype)
            for place, pieces in _joined(stored):
                made.write_direct(pieces, dest_sel=np.s_[place : place + len(pieces)])
        else:
            kind = h5py.string_dtype() if stored.dtype.kind == "O" else stored.dtype
            made = group.create_dataset(name, data=stored, dtype=kind)
        made.attrs.update(notes)
        if dims == (name,):
            scales[name] = made
        else:
            waiting.append((dims, made))
    for dims, made in waiting:
        for dim, length in zip(dims, made.shape, strict=True):
            if dim not in scales:
                scales[dim] = group.create_dataset(dim, (length,), ">f4")
                scales[dim].make_scale(_NO_VARIABLE % length)
    for place, (name, scale) in enumerate(scales.items()):
        if not scale.is_scale:
            scale.make_scale(name)
        scale.attrs["_Netcdf4Dimid"] = np.int32(place)
    for dims, made in waiting:
        for place, dim in enumerate(dims):
            made.dims[place].attach_scale(scales[dim])


def _joined(pieces: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield pieces of a stack from number n on as one array, where they lie so in memory.

    What was read from a file does, and one large write takes less than a thousand small ones.
    """
    ready = [np.ascontiguousarray(piece) for piece in pieces]
    places = [piece.__array_interface__["data"][0] for piece in ready]
    size, first = ready[0].nbytes, 0
    for n in range(1, len(ready) + 1):
        if n < len(ready) and places[n] == places[n - 1] + size:
            continue
        shape, strides = (n - first, *ready[0].shape), (size, *ready[0].strides)
        yield first, np.lib.stride_tricks.as_strided(ready[first], shape, strides, writeable=False)
        first = n


def _stored(values: Any) -> tuple[Any, dict[str, Any]]:
    """Return values as they stand in the file, and what says so."""
    if isinstance(values, tuple):
        return values, {}
    kind = values.dtype.kind
    if kind == "M":
        notes = {"units": _EPOCH, "calendar": "proleptic_gregorian"}
        return values.astype("datetime64[D]").astype(np.int64), notes
    if kind == "b":
        return values.astype(np.int8), {"dtype": "bool"}
    return (values.astype(object) if kind == "U" else values), {}


def read_netcdf(
    file: Path,
) -> tuple[dict[str, dict[str, tuple[tuple[str, ...], Any]]], dict[str, Any]]:
    """Return groups and attributes as they were given to `write_netcdf`, stacks stacked.

    Large arrays are mapped, not copied: most of a track is not looked at when it goes on. What is
    written into them stays in memory.

    Raises
    ------
    OSError
        The file is missing or no HDF5 file.
    """
    import h5py

    with h5py.File(file, "r") as root:
        groups = {name: dict(_read_group(group, file)) for name, group in root.items()}
        own = {k: v for k, v in root.attrs.items() if k != "_NCProperties"}  # of the library
        return groups, own


def _values(made: Any, file: Path) -> Any:
    """Return the numbers of a dataset, mapped where they stand in the file as they are."""
    place = made.id.get_offset() if made.nbytes >= _LARGE and made.chunks is None else None
    if place is None or place % _ALIGNED or not made.dtype.isnative:
        return made[...]
    mapped = np.memmap(file, made.dtype, "c", place, made.shape)
    return np.asarray(mapped)


def _read_group(group: Any, file: Path) -> Iterator[tuple[str, tuple[tuple[str, ...], Any]]]:
    names = {scale.id: name for name, scale in group.items() if scale.is_scale}
    for name, made in group.items():
        if made.is_scale and made.attrs["NAME"].startswith(b"This is a netCDF dimension but"):
            continue
        values = _values(made, file)
        if "units" in made.attrs:
            unit, start = made.attrs["units"].split(" since ")
            passed = values.astype(f"timedelta64[{_UNITS[unit]}]")
            values = (np.datetime64(start) + passed).astype("datetime64[s]")
        elif made.attrs.get("dtype") == "bool":
            values = values.astype(bool)
        elif values.dtype.kind == "O":
            values = made.asstr()[...].astype(np.str_)
        dims = (name,) if made.is_scale else tuple(names[d[0].id] for d in made.dims)
        yield name, (dims, values)
