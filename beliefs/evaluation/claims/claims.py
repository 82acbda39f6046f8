"""Claims as data: what the source texts say, and how the model tests it.

``data/claims.csv`` states the claims in the texts' own terms; ``data/claims.toml`` says what each
means in parameters, what must have been seen, and what is switched off to see whether it matters.
No claim is known to the code by its name.
"""

from __future__ import annotations

import csv
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beliefs.errors import StudyError
from beliefs.evaluation.claims.expressions import Expression, parse
from beliefs.evaluation.claims.functionals import FUNCTIONALS, PATHS
from beliefs.model.priors import check_priors
from beliefs.model.system import conduct_factors
from beliefs.model.theory import (
    BARE,
    all_declared,
    bundled_theories,
    read_toml,
    unknown,
    with_infinities,
)
from beliefs.study.bundled import data_folder

__all__ = ["ROLES", "Claim", "Counted", "Foretold", "load_claims"]

ROLES = ("coercer", "endurer")
OBSERVABLES = ("talks", "reading")  # of the belief block
WORDS = ("p", "p_prior", *ROLES)  # what a sentence may always name

Kind = Literal["sign", "region", "ablation", "forecast", "scenario"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Foretold(BaseModel):
    """What a claim foretells.

    Attributes
    ----------
    event
        Name of an event that futures are asked for; see `beliefs.evaluation.backtest.foretold`.
    horizon_days
        Days within which it does or does not come.
    at_least
        Its size, where it has one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    event: str
    horizon_days: Annotated[int, Field(ge=1, le=1000)]
    at_least: Annotated[int, Field(ge=1)] = 1


class _Row(BaseModel):
    """One table of claims.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    theory: str
    kind: tuple[Kind, ...]
    says: str
    region: str = ""
    of: tuple[str, ...] = ()
    needs: dict[str, str]
    count: dict[str, str] = {}
    neutral: tuple[str, ...] = ()
    fixed: dict[str, Any] = {}
    null: str = ""
    score: tuple[str, ...] = ()
    rerun: bool = False
    limits: tuple[Share, Share] | None = None
    modes: str = ""
    show: dict[str, str] = {}
    forecast: Foretold | None = None


@dataclass(frozen=True)
class Counted:
    """Something that must have been seen, or is counted: an expression over columns, and words."""

    expression: Expression
    words: str


@dataclass(frozen=True)
class Claim:
    """One claim and its test.

    Attributes
    ----------
    id, seed, author, title, mechanism, claimed, test
        From claims.csv; `seed` is the title of the text that makes it.
    theory, kind, says, neutral, fixed, score, rerun, limits, forecast
        From claims.toml, see the head of that file.
    region, null, modes
        Parsed; None where the claim has none.
    of, needs, count, show
        Parsed.
    """

    id: str
    seed: str
    author: str
    title: str
    mechanism: str
    claimed: str
    test: str
    theory: str
    kind: tuple[str, ...]
    says: str
    region: Expression | None
    of: tuple[Expression, ...]
    needs: tuple[Counted, ...]
    count: tuple[Counted, ...]
    neutral: tuple[Expression, ...]
    fixed: Mapping[str, Mapping[str, Any]]
    null: Expression | None
    score: tuple[str, ...]
    rerun: bool
    limits: tuple[float, float] | None
    modes: Expression | None
    show: Mapping[str, Expression]
    forecast: Foretold | None


def load_claims(
    statements: str | Path | None = None, tests: str | Path | None = None
) -> tuple[Claim, ...]:
    """Return every claim in the order in which they are stated.

    Parameters
    ----------
    statements, tests
        ``claims.csv`` and ``claims.toml``; those of the package when None.

    Raises
    ------
    StudyError
        A claim without a test, a test without a claim, or a test that names what is not declared.
    """
    csv_file = data_folder() / "claims.csv" if statements is None else Path(statements)
    file = data_folder() / "claims.toml" if tests is None else Path(tests)
    table = read_toml(file)
    try:
        with csv_file.open(encoding="utf-8", newline="") as opened:
            stated = {row["id"]: row for row in csv.DictReader(opened)}
    except (OSError, KeyError, ValueError) as error:
        raise StudyError(
            "the claims cannot be read",
            where=str(csv_file),
            found=str(error),
            expected="a CSV file with the columns of the bundled one",
            mend="restore data/claims.csv",
        ) from error
    for name in table:
        if name not in stated:
            raise unknown("claim", name, str(file), list(stated))
    missing = [name for name in stated if name not in table]
    if missing:
        raise StudyError(
            "a claim has no test",
            where=str(file),
            found=", ".join(missing),
            expected="one table for each row of claims.csv",
            mend="add the table",
        )
    return tuple(_claim(stated[name], table[name], f"{file}: {name}") for name in stated)


def _claim(stated: Mapping[str, str], raw: Any, where: str) -> Claim:
    try:
        row = _Row.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise StudyError(
            "the test of a claim is not as it should be",
            where=f"{where} {'.'.join(map(str, first['loc']))}",
            found=str(first.get("input")),
            expected=first["msg"],
            mend="see the head of data/claims.toml",
        ) from None
    if row.theory not in bundled_theories():
        raise unknown("theory", row.theory, where, list(bundled_theories()))
    declared = all_declared(BARE)
    known = {*declared, *FUNCTIONALS, *PATHS}
    fixed = with_infinities(row.fixed)
    check_priors(fixed, declared, where, widen=True)
    observables = [*OBSERVABLES, *(f.name for f in conduct_factors())]
    for name in row.score:
        if name not in observables:
            raise unknown("observable", name, f"{where} score", observables)

    def read(text: str, names: set[str]) -> Expression:
        found = parse(text, where)
        for name in found.names:
            if name not in names:
                raise unknown("parameter or functional", name, f"{where} {text}", sorted(names))
        return found

    show = {name: read(text, known) for name, text in row.show.items()}
    fields = {*WORDS, *(f"{n}{end}" for n in show for end in ("", "_low", "_high"))}
    for _, word, _, _ in string.Formatter().parse(row.says):
        if word is not None and word not in fields:
            raise unknown("word of the sentence", word, where, sorted(fields))
    return Claim(
        id=stated["id"],
        seed=stated["title"],
        author=stated["author"],
        title=stated["claim"],
        mechanism=stated["mechanism"],
        claimed=stated["claimed_region"],
        test=stated["test"],
        theory=row.theory,
        kind=row.kind,
        says=row.says,
        region=read(row.region, known) if row.region else None,
        of=tuple(read(text, known) for text in row.of),
        needs=tuple(Counted(parse(text, where), words) for text, words in row.needs.items()),
        count=tuple(Counted(parse(text, where), words) for text, words in row.count.items()),
        neutral=tuple(read(text, set(declared)) for text in row.neutral),
        fixed=fixed,
        null=read(row.null, known) if row.null else None,
        score=row.score,
        rerun=row.rerun,
        limits=row.limits,
        modes=read(row.modes, known) if row.modes else None,
        show=show,
        forecast=row.forecast,
    )
