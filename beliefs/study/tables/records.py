"""Records of a table as named arrays: what the study computes with, and a data frame on request.

Loading a library of data frames takes longer than reading a study, and each question put to a
frame longer than its answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Records"]


class Records:
    """Named columns of N records: datetime64[D], float64, or words (object arrays of str).

    Parameters
    ----------
    columns
        Name to values, all of one length; copied only where they are no such arrays.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = {name: _column(values) for name, values in columns.items()}

    def __len__(self) -> int:
        """Return the number of records."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column, read-only."""
        return self._columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self._columns)

    def take(self, which: NDArray[Any]) -> Records:
        """Return the records at an index, or those that a mask holds."""
        return Records({name: values[which] for name, values in self._columns.items()})

    def having(self, **changed: Any) -> Records:
        """Return these records with other values in some columns."""
        return Records({**self._columns, **changed})

    def ordered(self, *names: str) -> Records:
        """Return the records sorted by columns, the first named first; equal ones keep order."""
        keys = [_sortable(self._columns[name]) for name in reversed(names)]
        return self.take(np.lexsort(keys))

    def among(self, name: str, words: Collection[str]) -> NDArray[np.bool_]:
        """Tell which records have one of these words in a column."""
        wanted = set(words)
        return np.array([word in wanted for word in self._columns[name]], dtype=bool)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the records as tuples that can be compared; an unknown number is None."""
        columns = []
        for values in self._columns.values():
            kind = values.dtype.kind
            plain = (values.astype(np.int64) if kind == "M" else values).tolist()
            columns.append([None if v != v else v for v in plain] if kind == "f" else plain)
        return zip(*columns, strict=True)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame; dates are datetime64[s]."""
        import pandas as pd

        # Seconds, because pandas has no day unit and nanoseconds end in the year 2262. Lists of
        # words, because an array of objects would stay one.
        return pd.DataFrame(
            {
                name: values.astype("datetime64[s]")
                if values.dtype.kind == "M"
                else values.tolist()
                if values.dtype.kind == "O"
                else values.copy()
                for name, values in self._columns.items()
            }
        )


def _column(values: Any) -> NDArray[Any]:
    if not isinstance(values, np.ndarray):
        values = _words(values)
    values = values.view()
    values.flags.writeable = False
    return values


def _words(words: Sequence[str]) -> NDArray[Any]:
    out = np.empty(len(words), dtype=object)
    out[:] = words
    return out


def _sortable(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.str_) if values.dtype.kind == "O" else values
