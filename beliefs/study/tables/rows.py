"""`events.csv` and `talks.csv`: what happened, by the code book.

Checks run over all rows, also those that an as-of date drops later, so that a study is either
sound or refused, whatever date is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from beliefs.study.settings.spec import Indicator, StudySpec
from beliefs.study.tables.codebook import (
    CHANNELS,
    CONFIDENCE,
    KINDS,
    KINETIC,
    PARTIES,
    TALK_FORMATS,
    TALK_LABELS,
)
from beliefs.study.tables.columns import (
    check_not_early,
    choice_column,
    date_column,
    flag_column,
    id_column,
    name_column,
    number_column,
)
from beliefs.study.tables.records import Records
from beliefs.study.tables.tables import Table, read_table

__all__ = [
    "EVENT_COLUMNS",
    "TALK_COLUMNS",
    "counted_events",
    "read_events",
    "read_talks",
    "select_events",
]

EVENT_COLUMNS: Final = (
    "event_id",
    "date",
    "date_end",
    "published_at",
    "initiator",
    "target",
    "kind",
    "severity",
    "channel",
    "belief_signal",
    "red_line",
    "prior_warning",
    "zone",
    "confidence",
    "coders",
    "source_url",
)
TALK_COLUMNS: Final = (
    "talk_id",
    "date",
    "date_end",
    "published_at",
    "format",
    "label",
    "direct",
    "venue",
    "confidence",
    "source_url",
)


def read_events(folder: Path, spec: StudySpec) -> Records:
    """Read and check `events.csv`.

    Parameters
    ----------
    folder
        The study folder.
    spec
        Its settings.

    Returns
    -------
    Records
        The columns of `EVENT_COLUMNS`; dates as datetime64[D] with blanks filled (`date_end` and
        `published_at` by `date`), `severity`, `belief_signal`, `prior_warning` and `coders` as
        float with NaN for unknown; sorted by publication, date and id.

    Raises
    ------
    StudyError
        At the first row that breaks a rule of the code book.
    """
    table = read_table(folder, "events.csv", EVENT_COLUMNS)
    parties = (*PARTIES, *spec.side_ids)
    records = Records(
        {
            "event_id": id_column(table, "event_id"),
            **_spans(table),
            "initiator": choice_column(table, "initiator", parties),
            "target": choice_column(table, "target", parties),
            "kind": choice_column(table, "kind", KINDS),
            "severity": number_column(table, "severity", blank=True, low=1, high=5),
            "channel": choice_column(table, "channel", _channels(spec)),
            "belief_signal": number_column(table, "belief_signal", blank=True, low=-2, high=2),
            "red_line": name_column(table, "red_line", blank=True),
            "prior_warning": flag_column(table, "prior_warning"),
            "zone": name_column(table, "zone"),
            "confidence": choice_column(table, "confidence", CONFIDENCE),
            "coders": number_column(table, "coders", blank=True, low=0, high=100),
            "source_url": table.cells["source_url"],
        }
    )
    bare = records.among("kind", KINETIC) & np.isnan(records["severity"])
    if bare.any():
        raise table.error(
            int(np.argmax(bare)),
            "severity",
            "an act of force has no severity",
            "a number from 1 (harassment) to 5 (strategic)",
            "code the severity, or use a kind that is not kinetic",
        )
    return records.ordered("published_at", "date", "event_id")


def _channels(spec: StudySpec) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*CHANNELS, *(c.id for c in spec.channels if not c.series))))


def read_talks(folder: Path) -> Records:
    """Read and check `talks.csv`.

    Parameters
    ----------
    folder
        The study folder.

    Returns
    -------
    Records
        The columns of `TALK_COLUMNS`, dates filled as for events; sorted by publication.

    Raises
    ------
    StudyError
        At the first row that breaks a rule.
    """
    table = read_table(folder, "talks.csv", TALK_COLUMNS)
    records = Records(
        {
            "talk_id": id_column(table, "talk_id"),
            **_spans(table),
            "format": choice_column(table, "format", TALK_FORMATS),
            "label": choice_column(table, "label", TALK_LABELS),
            "direct": flag_column(table, "direct"),
            "venue": table.cells["venue"],
            "confidence": choice_column(table, "confidence", CONFIDENCE),
            "source_url": table.cells["source_url"],
        }
    )
    return records.ordered("published_at", "date", "talk_id")


def _spans(table: Table) -> dict[str, np.ndarray]:
    """Return date, date_end and published_at, blanks filled by date."""
    date = date_column(table, "date")
    end = date_column(table, "date_end", blank=True)
    published = date_column(table, "published_at", blank=True)
    end = np.where(np.isnat(end), date, end)
    published = np.where(np.isnat(published), date, published)
    if (end < date).any():
        row = int(np.argmax(end < date))
        raise table.error(
            row,
            "date_end",
            "something ends before it begins",
            f"a date on or after {table.cells['date'][row]}",
            "correct date or date_end; leave date_end empty for a single day",
        )
    check_not_early(table, date, published)
    return {"date": date, "date_end": end, "published_at": published}


def select_events(events: Records, **wanted: tuple[str, ...]) -> Records:
    """Return the events whose columns hold one of the wanted words; () means any.

    Parameters
    ----------
    events
        Event table.
    **wanted
        Column name to allowed words.

    Returns
    -------
    Records
    """
    keep = np.ones(len(events), dtype=bool)
    for column, words in wanted.items():
        if words:
            keep &= events.among(column, words)
    return events.take(keep)


def counted_events(events: Records, indicator: Indicator) -> Records:
    """Return the events that an indicator counts.

    Parameters
    ----------
    events
        Event table.
    indicator
        An indicator with ``source = "events"``.

    Returns
    -------
    Records
    """
    return select_events(
        events,
        initiator=indicator.initiator,
        target=indicator.target,
        kind=indicator.kinds,
        zone=indicator.zone,
    )
