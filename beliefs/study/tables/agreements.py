"""`agreements.csv`: what the sides agreed to, with deadlines and how it ended.

The table is optional. A row is known from its publication on; how it ended, from the publication
of that on. A truce or an interim agreement is a *window*: it holds for a while and is then
extended, resolved, left to lapse, or broken. A window that goes on under a new row names the row
that it continues, so that its age is counted from the first one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from beliefs.errors import StudyError
from beliefs.study.settings.spec import StudySpec
from beliefs.study.tables.codebook import AGREEMENT_FORMS, CONFIDENCE, ENDINGS, SCOPES
from beliefs.study.tables.columns import (
    check_not_early,
    choice_column,
    date_column,
    flag_column,
    id_column,
)
from beliefs.study.tables.records import Records
from beliefs.study.tables.tables import Table, read_table

__all__ = ["AGREEMENT_COLUMNS", "known_agreements", "read_agreements"]

AGREEMENT_COLUMNS: Final = (
    "agreement_id",
    "date",
    "published_at",
    "scope",
    "form",
    "mutual",
    "deadline",
    "ended",
    "end_published_at",
    "end_kind",
    "parent",
    "confidence",
    "source_url",
)
NAME = "agreements.csv"
_NEVER: Final = np.datetime64("NaT", "D")


def read_agreements(folder: Path, spec: StudySpec) -> Records:
    """Read and check `agreements.csv`; no rows when there is no such file.

    Parameters
    ----------
    folder
        The study folder.
    spec
        Its settings; ``[agreements]`` must say where the absence of a row is an absence.

    Returns
    -------
    Records
        The columns of `AGREEMENT_COLUMNS`; dates as datetime64[D] with `published_at` and
        `end_published_at` filled by `date` and `ended`, NaT where there is none; `mutual` as
        float; in the order of publication.

    Raises
    ------
    StudyError
        At the first row that breaks a rule.
    """
    if not os.path.lexists(folder / NAME):
        return _records(Table(NAME, (), {column: () for column in AGREEMENT_COLUMNS}))
    table = read_table(folder, NAME, AGREEMENT_COLUMNS, max_rows=10_000)
    if spec.agreements is None:
        raise StudyError(
            f"{NAME} is there, but the settings do not say where it is complete",
            where="study.toml:1 agreements",
            found="no table [agreements]",
            expected='[agreements] with coverage = ["dense", "headline"] or another list',
            mend=f"add the table, or remove {NAME}",
        )
    return _records(table)


def known_agreements(rows: Records, known: np.datetime64) -> Records:
    """Blank the ends that were not yet known on a day.

    Parameters
    ----------
    rows
        Those published by then.
    known
        The day, itself included.

    Returns
    -------
    Records
    """
    later = rows["end_published_at"] > known
    return rows.having(
        ended=np.where(later, _NEVER, rows["ended"]),
        end_published_at=np.where(later, _NEVER, rows["end_published_at"]),
        end_kind=np.where(later, "", rows["end_kind"]),
    )


def _records(table: Table) -> Records:
    date = date_column(table, "date")
    published = date_column(table, "published_at", blank=True)
    published = np.where(np.isnat(published), date, published)
    deadline = date_column(table, "deadline", blank=True)
    ended = date_column(table, "ended", blank=True)
    end_published = date_column(table, "end_published_at", blank=True)
    end_published = np.where(np.isnat(end_published), ended, end_published)
    end_kind = choice_column(table, "end_kind", ENDINGS, blank=True)
    check_not_early(table, date, published)
    _check_ends(table, date, published, deadline, ended, end_published, end_kind)
    ids = id_column(table, "agreement_id")
    _check_parents(table, published, end_published)
    records = Records(
        {
            "agreement_id": ids,
            "date": date,
            "published_at": published,
            "scope": choice_column(table, "scope", SCOPES),
            "form": choice_column(table, "form", AGREEMENT_FORMS),
            "mutual": _mutual(table),
            "deadline": deadline,
            "ended": ended,
            "end_published_at": end_published,
            "end_kind": end_kind,
            "parent": table.cells["parent"],
            "confidence": choice_column(table, "confidence", CONFIDENCE),
            "source_url": table.cells["source_url"],
        }
    )
    return records.ordered("published_at", "date", "agreement_id")


def _mutual(table: Table) -> np.ndarray:
    mutual = flag_column(table, "mutual")
    if np.isnan(mutual).any():
        raise table.error(
            int(np.argmax(np.isnan(mutual))),
            "mutual",
            "an agreement is neither mutual nor one-sided",
            "1 (both sides agreed) or 0 (one side declared it)",
            "write 1 or 0",
        )
    return mutual


def _check_ends(
    table: Table,
    date: np.ndarray,
    published: np.ndarray,
    deadline: np.ndarray,
    ended: np.ndarray,
    end_published: np.ndarray,
    end_kind: object,
) -> None:
    for row, kind in enumerate(table.cells["end_kind"]):
        if bool(kind) != bool(table.cells["ended"][row]):
            raise table.error(
                row,
                "ended" if kind else "end_kind",
                "an end needs a day and a kind",
                "both `ended` and `end_kind`, or neither while it is in force",
                "fill in the other one",
            )
        if table.cells["end_published_at"][row] and not kind:
            raise table.error(
                row,
                "end_published_at",
                "an end that is not there was published",
                "an empty cell while the agreement is in force",
                "fill in `ended` and `end_kind`, or leave it empty",
            )
        begun = table.cells["date"][row]
        for column, days, least in (
            ("deadline", deadline, date),
            ("ended", ended, date),
            ("end_published_at", end_published, np.maximum(ended, published)),
        ):
            if days[row] < least[row]:  # False where there is none
                raise table.error(
                    row,
                    column,
                    "an agreement ends before it begins"
                    if column != "end_published_at"
                    else "something was published before it happened",
                    f"a date on or after {least[row] if column == 'end_published_at' else begun}",
                    f"correct {column}, or leave it empty",
                )


def _check_parents(table: Table, published: np.ndarray, end_published: np.ndarray) -> None:
    """Refuse a continuation that stands before what it continues, or is public before its end."""
    place = {name: row for row, name in enumerate(table.cells["agreement_id"])}
    for row, parent in enumerate(table.cells["parent"]):
        if not parent:
            continue
        before = place.get(parent)
        if before is None or before >= row:
            raise table.error(
                row,
                "parent",
                "an agreement continues one that does not stand before it",
                "the agreement_id of an earlier row, or nothing",
                "correct the id, or the order of the rows",
            )
        late = end_published[before] > published[row] or published[before] > published[row]
        if late or np.isnat(end_published[before]):
            raise table.error(
                row,
                "parent",
                "an agreement continues one whose end is not yet public",
                f"{parent} to have ended, and its end to be public by "
                f"{table.cells['published_at'][row] or table.cells['date'][row]}",
                f"fill in the end of {parent}, or leave parent empty",
            )
