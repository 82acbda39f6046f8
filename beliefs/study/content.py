"""The tables of a study as of a date, and the hash of what they and the settings say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from beliefs.study.settings.spec import StudySpec
from beliefs.study.tables.records import Records

__all__ = ["Tables", "content_hash"]

_ALWAYS = ("hindcast", "regimes", "shocks")


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a study, without records published after the as-of date.

    Spans that were still running are cut there, and agreements that were in force have no end.
    Times are datetime64[D].
    """

    indicators: Records
    events: Records
    talks: Records
    coverage: Records
    agreements: Records


def content_hash(spec: StudySpec, tables: Tables, known: np.datetime64) -> str:
    """Hash parsed content, not bytes: quoting, column order and later rows do not matter.

    What a study does not say of conduct is left out, so that one without these tables has the hash
    that it had before they existed.
    """
    digest = hashlib.sha256()
    settings = spec.model_dump(mode="json")
    settings = {k: v for k, v in settings.items() if v or k in _ALWAYS}
    for table in ("codebook", "reference"):
        if not any(settings[table].values()):
            del settings[table]
    if settings.get("sanctions") and not settings["sanctions"]["initiator"]:
        del settings["sanctions"]["initiator"]
    if settings["period"]["first_end"] is None:
        del settings["period"]["first_end"]
    for regime in settings["regimes"]:
        if regime["rung"] is None:
            del regime["rung"]
    digest.update(json.dumps([str(known), settings], sort_keys=True).encode())
    for name, table in vars(tables).items():
        if name == "agreements" and not len(table):
            continue  # as if there were no such table
        digest.update(f"\n{len(table)} {','.join(table.names)}\n".encode())
        for column in table.names if len(table) else ():  # columns without rows have no type
            values = table[column]
            if values.dtype.kind == "M":
                digest.update(values.astype("datetime64[D]").astype("<i8").tobytes())
            elif values.dtype.kind == "f":
                digest.update(values.astype("<f8").tobytes())
            else:
                digest.update(json.dumps(values.tolist()).encode())
    return digest.hexdigest()
