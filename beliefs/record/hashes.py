"""Hashes of arrays: equal hashes mean equal bits, whatever file they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["arrays_hash", "content_hash"]


def content_hash(tree: Any) -> str:
    """Return the SHA-256 of all arrays of a DataTree, whatever the file format does around them."""
    return arrays_hash(
        (f"{node.path}/{name}", variable.values)
        for node in tree.subtree
        for name, variable in node.to_dataset().variables.items()
    )


def arrays_hash(arrays: Iterable[tuple[str, Any]]) -> str:
    """Return the SHA-256 of named arrays: names, shapes and values, in the order of names.

    Parameters
    ----------
    arrays
        Name (``/group/variable``) and values; a tuple of arrays stands for their stack.
    """
    digest = hashlib.sha256()
    # Groups first, then their variables, as folders are listed.
    for name, values in sorted(arrays, key=lambda pair: pair[0].rpartition("/")[::2]):
        pieces = values if isinstance(values, tuple) else (values,)
        pieces = tuple(np.asarray(piece) for piece in pieces)
        shape = (len(pieces), *pieces[0].shape) if isinstance(values, tuple) else pieces[0].shape
        kind = pieces[0].dtype.kind
        kind = "U" if kind in "OUT" else kind  # text comes back from a file as another kind of text
        digest.update(f"{name}{shape}{kind}".encode())
        for piece in pieces:
            if kind == "U":
                digest.update("\0".join(str(v) for v in piece.ravel()).encode())
            else:
                digest.update(np.ascontiguousarray(piece).reshape(-1).view(np.uint8))
    return digest.hexdigest()
