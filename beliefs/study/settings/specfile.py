"""Reading `study.toml`: parse, fill defaults that depend on other keys, validate, locate errors."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from beliefs.errors import StudyError
from beliefs.study.dates import EXPECTED
from beliefs.study.safefile import read_lines
from beliefs.study.settings.check import check_spec
from beliefs.study.settings.spec import StudySpec

__all__ = ["FORMAT", "Where", "read_spec"]

FORMAT = 1
NAME = "study.toml"
_MAX_BYTES = 2**20
_MAX_DEPTH = 20
_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")
_AT = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)")

Loc = tuple[str | int, ...]


class Where:
    """Line numbers of the keys of a TOML text, found by scanning its headers and assignments."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Loc, int] = {}
        counts: dict[Loc, int] = {}
        here: Loc = ()
        for number, line in enumerate(text.split("\n"), start=1):
            header = _HEADER.match(line)
            if header:
                here = self._enter(header[2], header[1] == "[[", counts)
                for known in (here, here[:-1]):  # the table, and the list that it may belong to
                    self._lines.setdefault(known, number)
                continue
            key = _KEY.match(line)
            if key:
                self._lines.setdefault((*here, key[1]), number)

    @staticmethod
    def _enter(name: str, is_array: bool, counts: dict[Loc, int]) -> Loc:
        here: Loc = ()
        parts = name.split(".")
        for depth, part in enumerate(parts):
            here = (*here, part)
            if is_array and depth == len(parts) - 1:
                counts[here] = counts.get(here, -1) + 1
            if here in counts:
                here = (*here, counts[here])
        return here

    def __call__(self, *loc: str | int) -> str:
        """Return ``study.toml:12 indicators[3].transform``, with the nearest line known."""
        path = ""
        for part in loc:
            path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
        for size in range(len(loc), 0, -1):
            if loc[:size] in self._lines:
                return f"{NAME}:{self._lines[loc[:size]]} {path}"
        return f"{NAME}:1 {path}"


def read_spec(folder: Path) -> tuple[StudySpec, Where]:
    """Read and check `study.toml`."""
    text = "".join(read_lines(folder, NAME, max_bytes=_MAX_BYTES))
    where = Where(text)
    raw = _parse(text)
    if not raw:
        raise StudyError(
            "study.toml says nothing",
            where=f"{NAME}:1",
            found="an empty file",
            expected="the settings of a study, beginning with `format = 1`",
            mend="start from the template that `beliefs.study.new_study(folder)` writes",
        )
    version = raw.get("format")
    if "format" in raw and (version != FORMAT or isinstance(version, bool)):
        raise StudyError(
            "the format of this study is not known",
            where=where("format"),
            found=f"format = {_short(version)}",
            expected=f"format = {FORMAT}",
            mend="update beliefs, or write the study in this format",
        )
    try:
        spec = StudySpec.model_validate(_with_defaults(raw))
    except ValidationError as error:
        raise _translate(error, where) from None
    check_spec(spec, where)
    return spec, where


_NESTED = re.compile(r"(?:[\[{]\s*){40}")


def _parse(text: str) -> dict[str, Any]:
    lines = text.splitlines() or [""]
    try:
        # How deep the parser can go depends on who calls it; a run of brackets does not.
        if _NESTED.search(text):
            raise RecursionError
        frozen: dict[str, Any] = _freeze(tomllib.loads(text))
        return frozen
    except RecursionError:
        raise StudyError(
            "study.toml is nested too deeply",
            where=f"{NAME}:1",
            found="tables or lists within each other",
            expected=f"at most {_MAX_DEPTH} levels",
            mend="start from the template that `beliefs.study.new_study(folder)` writes",
        ) from None
    except tomllib.TOMLDecodeError as error:
        match = _AT.search(str(error))
        reason = _AT.sub("", str(error))
        line, column = (int(match[1]), int(match[2])) if match and match[1] else (len(lines), 1)
    except ValueError:  # Python refuses to read integers of thousands of digits
        digits = re.compile(r"[0-9_]{1000}")
        line = next((n for n, row in enumerate(lines, start=1) if digits.search(row)), 1)
        reason, column = "A number is too long", 1
    line = min(line, len(lines))
    raise StudyError(
        f"study.toml is not valid TOML: {reason[:1].lower()}{reason[1:]}",
        where=f"{NAME}:{line} column {column}",
        found=_short(lines[line - 1].strip()),
        expected="lines such as `key = value`, texts in quotation marks, dates as 2026-02-28",
        mend="correct this line or the one before it",
    )


def _with_defaults(raw: dict[str, Any]) -> dict[str, Any]:
    """Fill the defaults that depend on another key; anything malformed is left to the models."""
    raw = dict(raw)
    period = raw.get("period")
    step = period.get("step") if isinstance(period, dict) else None
    sides = raw.get("sides")
    ids = (
        tuple(s.get("id") for s in sides if isinstance(s, dict)) if isinstance(sides, tuple) else ()
    )
    halflife = 8.0 if step == "week" else 14.0
    for table, defaults in (
        ("indicators", lambda _: {"halflife": halflife, "seen_by": ids}),
        ("regimes", lambda row: {"published_at": row.get("start")}),
        ("shocks", lambda row: {"published_at": row.get("date")}),
        ("safeguards", lambda row: {"published_at": row.get("start")}),
    ):
        rows = raw.get(table)
        if isinstance(rows, tuple):
            raw[table] = tuple({**defaults(r), **r} if isinstance(r, dict) else r for r in rows)
    return raw


def _freeze(value: Any, depth: int = 0) -> Any:
    """Turn lists into tuples, since the models are immutable and do not convert types."""
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _freeze(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_freeze(item, depth + 1) for item in value)
    return value


def _thaw(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_thaw(item) for item in value]
    if isinstance(value, dict):
        return {key: _thaw(item) for key, item in value.items()}
    return str(value) if hasattr(value, "isoformat") else value


def _short(value: Any) -> str:
    text = repr(_thaw(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _model_at(loc: Loc) -> type[BaseModel] | None:
    """Return the model that holds the last key of `loc`."""
    model: type[BaseModel] | None = StudySpec
    for part in loc[:-1]:
        if isinstance(part, int) or model is None:
            continue
        field = model.model_fields.get(part)
        model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m), None)


def _plain(kind: str, message: str, context: Mapping[str, Any]) -> str:
    """Say what would have been right, from pydantic's error type and context."""
    if kind == "string_pattern_mismatch":
        extra = "-" if "-]" in context["pattern"] else "_"
        return f"a short name in lower case: letters, digits and {extra}"
    if kind == "bool_type":
        return "true or false"
    if kind in {"too_short", "too_long"}:
        least, most = context.get("min_length"), context.get("max_length")
        return f"at least {least} of them" if most is None else f"at most {most} of them"
    return message.replace("Input should be ", "")


def _translate(error: ValidationError, where: Where) -> StudyError:
    details = error.errors(include_url=False)
    # A list with an unusable item is also reported as too short: once is enough.
    first = details[0]
    more = sum(d["loc"] != first["loc"][: len(d["loc"])] for d in details[1:])
    loc: Loc = tuple(part for part in first["loc"] if part != "[key]")
    kind, context = first["type"], first.get("ctx", {})
    key = next((part for part in reversed(loc) if isinstance(part, str)), "")
    mend = "change the value"
    if kind == "missing":
        what, found = f"the key `{key}` is missing", f"no `{key}`"
        expected, mend = f"`{key} = ...`", f"add `{key}` to this table"
    elif kind == "extra_forbidden":
        model = _model_at(loc)
        known = list(model.model_fields) if model else []
        near = difflib.get_close_matches(key, known, 1)
        what, found = f"the key `{key}` is not known", f"{key} = {_short(first['input'])}"
        expected = "one of " + ", ".join(known)
        mend = f"did you mean `{near[0]}`?" if near else "remove it"
    else:
        what, found = f"`{key}` has an unusable value", _short(first["input"])
        expected = _plain(kind, first["msg"], context)
        if kind in {"too_short", "too_long"}:
            found = f"{context['actual_length']} of them"
            mend = "add or remove some"
        elif kind in {"float_type", "int_type"}:
            mend = "write a plain number, without quotation marks"
        elif kind == "day":
            expected, mend = EXPECTED, context["mend"]
        elif kind.startswith(("less_than", "greater_than")):
            mend = "choose a value within the bounds"
        elif kind == "literal_error":
            near = difflib.get_close_matches(
                str(first["input"]), re.findall(r"'([^']+)'", expected), 1
            )
            mend = f"did you mean '{near[0]}'?" if near else "use one of the values expected"
    if more:
        mend += f" ({more} more problem{'s' if more > 1 else ''} in this file)"
    return StudyError(what, where=where(*loc), found=found, expected=expected, mend=mend)
