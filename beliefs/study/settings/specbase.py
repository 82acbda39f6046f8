"""What every table of a `study.toml` shares: a strict, frozen model and the types of its values."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from beliefs.study.dates import NotADay, read_day

__all__ = ["Confidence", "Day", "Density", "Id", "Severity", "SpecTable", "Text"]


def _day(value: object) -> dt.date:
    try:
        return read_day(value)
    except NotADay as error:
        raise PydanticCustomError("day", "{mend}", {"mend": error.mend}) from None


Day = Annotated[dt.date, BeforeValidator(_day)]

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Severity = Annotated[float, Field(ge=1, le=5)]
Density = Literal["dense", "headline", "none"]
Confidence = Literal["low", "medium", "high"]


class SpecTable(BaseModel):
    """Common rules: immutable, no unknown key, no silent conversion of types, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
