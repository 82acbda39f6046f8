"""Rival theories as data: which mechanisms are on, which parameters are neutral, which priors."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.mechanism.contract import Parameter
from beliefs.mechanism.structure import Structure
from beliefs.theory.priors import check_priors, distribution

__all__ = [
    "MECHANISMS",
    "Theory",
    "bundled_theories",
    "declared",
    "free_parameters",
    "load_theory",
    "neutral_values",
    "prior_table",
    "table_of",
    "theory_from_table",
]

MECHANISMS = ("belief", "evidence", "readings", "domestic", "shocks", "bargaining", "talks")
# Names and supports of parameters are the same in every study; this one has nothing else.
_BARE = Structure(("one", "other"), 1.0, 1, *((),) * 16, endurance=(True, True))
_KEYS = {"id", "name", "title", "source", "beliefs", "mechanisms", "neutral", "priors"}


@dataclass(frozen=True)
class Theory:
    """One theory.

    Attributes
    ----------
    id, name, title, source
        Label (M1), file name, words, where it comes from.
    beliefs
        Whether it has beliefs at all; without them crack and rationality are undefined.
    mechanisms
        Names of the mechanisms that are on.
    neutral
        Parameters held at their neutral value although their mechanism is on.
    priors
        Overrides: parameter name -> {"dist": PreliZ name, **its parameters}.
    """

    id: str
    name: str
    title: str
    source: str
    beliefs: bool
    mechanisms: tuple[str, ...]
    neutral: tuple[str, ...]
    priors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hash of everything that makes the theory what it is."""
        content = {k: getattr(self, k) for k in sorted(_KEYS)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def bundled_theories() -> tuple[str, ...]:
    """Return the names of the theories that come with the package."""
    return tuple(sorted(p.stem for p in Path(__file__).parent.glob("*.toml")))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StudyError(
            "no such theory or prior file",
            where=str(path),
            expected="one of " + ", ".join(bundled_theories()) + ", or a path to a TOML file",
            mend="list the theories with `beliefs theories`",
        ) from error
    except OSError as error:
        raise StudyError(
            "the theory or prior file cannot be read",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="a readable TOML file",
            mend="check the path and its permissions",
        ) from error
    except (ValueError, RecursionError) as error:  # bad TOML, bad UTF-8, a number without end
        raise StudyError(
            "the file is not valid TOML",
            where=str(path),
            found=str(error),
            expected="UTF-8 TOML",
            mend="mend the line named in 'found'",
        ) from error


def load_theory(name_or_path: str | Path, priors: str | Path | None = None) -> Theory:
    """Load a bundled theory by name or id, or a theory file by path.

    Parameters
    ----------
    name_or_path
        ``mutual_optimism``, ``M1`` or a path ending in ``.toml``.
    priors
        TOML file whose ``[priors.<parameter>]`` tables replace priors.

    Raises
    ------
    StudyError
        Unknown theory, mechanism, parameter or distribution.
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        path = Path(text)
    else:
        here = Path(__file__).parent
        by_id = {tomllib.loads(p.read_text())["id"]: p for p in sorted(here.glob("*.toml"))}
        path = by_id.get(text, here / f"{text}.toml")
    theory = theory_from_table(_read_toml(path), str(path))
    if priors is not None:
        extra = _read_toml(Path(priors))
        unknown = set(extra) - {"priors"}
        if unknown:
            raise _unknown("key", sorted(unknown)[0], str(priors), ["priors"])
        mine = extra.get("priors", {})
        check_priors(mine, declared(_BARE), str(priors))
        theory = replace(theory, priors={**theory.priors, **mine})
    return theory


def _unknown(kind: str, found: str, where: str, known: list[str]) -> StudyError:
    return StudyError(
        f"unknown {kind}",
        where=where,
        found=found,
        expected="one of " + ", ".join(known),
        mend=f"correct the {kind}'s name",
    )


def theory_from_table(raw: Any, where: str, checked: str | None = None) -> Theory:
    """Return the theory that a parsed TOML or JSON file describes, checked.

    Parameters
    ----------
    raw
        Content of the file, of any type. Infinite numbers may be written ``"inf"``, ``"-inf"``.
    where
        The file, for messages.
    checked
        Hash of a theory whose parameters and priors were checked before, which takes seconds.

    Raises
    ------
    StudyError
        A key is missing, unknown or of the wrong type; unknown mechanism or parameter; bad prior.
    """
    if not isinstance(raw, dict):
        raise _wrong_type("the theory", raw, where, "a table of keys")
    for key in raw:
        if key not in _KEYS:
            raise _unknown("key", key, where, sorted(_KEYS))
    missing = sorted(_KEYS - {"priors", "neutral"} - set(raw))
    if missing:
        raise StudyError(
            "a key is missing",
            where=where,
            found="no " + ", ".join(missing),
            expected="keys " + ", ".join(sorted(_KEYS)),
            mend="copy a bundled theory and change it",
        )
    for key in ("id", "name", "title", "source"):
        if not (isinstance(raw[key], str) and raw[key].strip()):
            raise _wrong_type(key, raw[key], where, "a text in quotation marks")
    if not isinstance(raw["beliefs"], bool):
        raise _wrong_type("beliefs", raw["beliefs"], where, "true or false")
    lists = {"mechanisms": raw["mechanisms"], "neutral": raw.get("neutral", [])}
    for key, value in lists.items():
        if not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise _wrong_type(key, value, where, 'a list of names such as ["talks"]')
    for name in lists["mechanisms"]:
        if name not in MECHANISMS:
            raise _unknown("mechanism", name, where, list(MECHANISMS))
    theory = Theory(
        id=raw["id"],
        name=raw["name"],
        title=raw["title"],
        source=raw["source"],
        beliefs=raw["beliefs"],
        mechanisms=tuple(lists["mechanisms"]),
        neutral=tuple(lists["neutral"]),
        priors=_with_infinities(raw.get("priors", {})),
    )
    if checked is None or theory.sha256 != checked:
        _check_names(theory, where)
    return theory


def table_of(theory: Theory) -> dict[str, Any]:
    """Return the theory as a table for JSON, which has no infinite numbers."""
    priors = {
        name: {k: str(v) if isinstance(v, float) and math.isinf(v) else v for k, v in spec.items()}
        for name, spec in theory.priors.items()
    }
    return {**dataclasses.asdict(theory), "priors": priors}


def _with_infinities(priors: Any) -> Any:
    if not isinstance(priors, dict):
        return priors
    return {
        name: {k: float(v) if v in ("inf", "-inf") else v for k, v in spec.items()}
        if isinstance(spec, dict)
        else spec
        for name, spec in priors.items()
    }


def _wrong_type(what: str, found: Any, where: str, expected: str) -> StudyError:
    return StudyError(
        f"{what} is of the wrong type",
        where=where,
        found=repr(found),
        expected=expected,
        mend="copy a bundled theory and change it",
    )


def _check_names(theory: Theory, where: str) -> None:
    """Check neutral parameters and priors against what the mechanisms declare."""
    if not theory.neutral and theory.priors == {}:
        return
    known = declared(_BARE)
    for name in theory.neutral:
        if name not in known:
            raise _unknown("parameter", name, f"{where}: neutral", sorted(known))
    check_priors(theory.priors, known, where)


def _modules() -> dict[str, ModuleType]:
    return {name: import_module(f"beliefs.mechanism.{name}") for name in MECHANISMS}


def declared(structure: Structure) -> dict[str, tuple[str, Parameter]]:
    """Return every declared parameter: name -> (mechanism, parameter)."""
    return dict(_declared(structure))


@lru_cache(maxsize=32)
def _declared(structure: Structure) -> tuple[tuple[str, tuple[str, Parameter]], ...]:
    return tuple(
        (parameter.name, (mechanism, parameter))
        for mechanism, module in _modules().items()
        for parameter in module.parameters(structure)
    )


def free_parameters(theory: Theory, structure: Structure) -> tuple[Parameter, ...]:
    """Return the parameters that the theory lets the data move, priors overridden.

    Raises
    ------
    StudyError
        The theory names a parameter that no mechanism declares.
    """
    known = declared(structure)
    for name in (*theory.neutral, *theory.priors):
        if name not in known:
            raise _unknown("parameter", name, f"theory {theory.name}", sorted(known))
    chosen = []
    for name, (mechanism, parameter) in known.items():
        empty = 0 in structure.size(parameter.dims)
        if mechanism not in theory.mechanisms or name in theory.neutral or empty:
            continue
        if name in theory.priors:
            parameter = replace(parameter, prior=distribution(theory.priors[name]))
        chosen.append(parameter)
    return tuple(chosen)


def neutral_values(theory: Theory, structure: Structure) -> dict[str, np.ndarray[Any, Any]]:
    """Return the neutral arrays of all parameters the theory does not free."""
    free = {p.name for p in free_parameters(theory, structure)}
    return {
        name: np.full(structure.size(parameter.dims), parameter.neutral)
        for name, (_, parameter) in declared(structure).items()
        if name not in free
    }


def prior_table(theory: Theory, structure: Structure) -> list[dict[str, Any]]:
    """Return one row per declared parameter: prior, unit, source, neutral value, free or not."""
    free = {p.name: p for p in free_parameters(theory, structure)}
    return [
        {
            "name": name,
            "mechanism": mechanism,
            "dims": list(parameter.dims),
            "free": name in free,
            "prior": str(free.get(name, parameter).prior),
            "neutral": str(parameter.neutral),
            "unit": parameter.unit,
            "meaning": parameter.meaning,
            "source": parameter.source,
        }
        for name, (mechanism, parameter) in declared(structure).items()
    ]
