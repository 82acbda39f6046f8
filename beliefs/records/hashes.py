"""Hashes of arrays: equal hashes mean equal bits, whatever file they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Seen", "arrays_hash", "content_hash"]

Seen = dict[tuple[int, int], tuple[bytes, NDArray[Any]]]
"""Place and size of a slice in memory -> its digest, and the slice."""

_LARGE = 2**16  # bytes


def content_hash(tree: Any) -> str:
    """Return the SHA-256 of all arrays of a DataTree, whatever the file format does around them."""
    return arrays_hash(
        (f"{node.path}/{name}", variable.values)
        for node in tree.subtree
        for name, variable in node.to_dataset().variables.items()
    )


def arrays_hash(arrays: Iterable[tuple[str, Any]], seen: Seen | None = None) -> str:
    """Return the SHA-256 of named arrays: names, shapes and values, in the order of names.

    Large arrays are hashed slice by slice along their first axis, so that an array that has grown
    needs its new slices hashed alone.

    Parameters
    ----------
    arrays
        Name (``/group/variable``) and values; a tuple of arrays stands for their stack.
    seen
        Digests of slices by place and size in memory; those that are missing are added. Only for
        arrays that nobody writes into between two calls.
    """
    digest = hashlib.sha256()
    # Groups first, then their variables, as folders are listed.
    for name, values in sorted(arrays, key=lambda pair: pair[0].rpartition("/")[::2]):
        stacked = isinstance(values, tuple)
        pieces = tuple(np.asarray(piece) for piece in (values if stacked else (values,)))
        shape = (len(pieces), *pieces[0].shape) if stacked else pieces[0].shape
        kind = pieces[0].dtype.kind
        kind = "U" if kind in "OUT" else kind  # text comes back from a file as another kind of text
        digest.update(f"{name}{shape}{kind}".encode())
        if kind == "U":
            for piece in pieces:
                digest.update("\0".join(str(v) for v in piece.ravel()).encode())
        elif len(shape) > 1 and sum(piece.nbytes for piece in pieces) >= _LARGE:
            for piece in pieces if stacked else pieces[0]:
                digest.update(_slice_digest(piece, seen))
        else:
            for piece in pieces:
                digest.update(_bytes(_nanoseconds(piece) if kind == "M" else piece))
    return digest.hexdigest()


def _nanoseconds(days: NDArray[Any]) -> NDArray[np.int64]:
    """Return days as nanoseconds since 1970 modulo 2^64, whatever unit they are kept in."""
    return days.astype("datetime64[D]").astype(np.int64) * np.int64(86_400 * 10**9)


def _slice_digest(piece: NDArray[Any], seen: Seen | None) -> bytes:
    if seen is None or not piece.flags.c_contiguous:
        return hashlib.sha256(_bytes(piece)).digest()
    place = (piece.__array_interface__["data"][0], piece.nbytes)
    if place not in seen:  # the slice is kept, or its place might be given to another
        seen[place] = (hashlib.sha256(_bytes(piece)).digest(), piece)
    return seen[place][0]


def _bytes(piece: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(piece).reshape(-1).view(np.uint8)
