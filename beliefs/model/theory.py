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
from typing import Any

import numpy as np

from beliefs.errors import StudyError
from beliefs.model.contract import Parameter
from beliefs.model.priors import check_priors, distribution
from beliefs.model.structure import Structure

__all__ = [
    "BARE",
    "CONDUCT",
    "MECHANISMS",
    "Theory",
    "all_declared",
    "bundled_theories",
    "conduct_declared",
    "conduct_neutral",
    "conduct_parameters",
    "declared",
    "free_parameters",
    "load_theory",
    "neutral_values",
    "not_finite",
    "prior_table",
    "read_toml",
    "table_of",
    "theory_from_table",
    "theory_of",
    "unknown",
    "with_infinities",
    "wrong_type",
]

MECHANISMS = ("belief", "evidence", "readings", "domestic", "shocks", "bargaining", "talks")
"""Mechanisms of belief and talks, which `fit` and `track` infer together."""
CONDUCT = ("reciprocity", "accidents", "redlines", "truce", "outcomes", "diplomacy")
"""Mechanisms of conduct, inferred in blocks of their own; beliefs enter them as covariates."""
# Names and supports of parameters are the same in every study; this one has nothing else.
BARE = Structure(("one", "other"), 1.0, 1, *((),) * 16, endurance=(True, True))
_KEYS = {"id", "name", "title", "source", "beliefs", "mechanisms", "neutral", "free", "priors"}
_OPTIONAL = {"priors", "neutral", "free"}

Declared = dict[str, tuple[str, Parameter]]
Neutral = dict[str, np.ndarray[Any, Any]]


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
        Overrides: parameter name -> table of ``dist``, a PreliZ name, and its parameters.
    free
        The only parameters that are not neutral, for a theory that frees few of many; None where
        `neutral` says which ones are.
    """

    id: str
    name: str
    title: str
    source: str
    beliefs: bool
    mechanisms: tuple[str, ...]
    neutral: tuple[str, ...]
    priors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    free: tuple[str, ...] | None = None

    def frees(self, mechanism: str, parameter: str) -> bool:
        """Return whether the theory lets the data move a parameter of a mechanism."""
        if mechanism not in self.mechanisms:
            return False
        return parameter not in self.neutral if self.free is None else parameter in self.free

    @property
    def sha256(self) -> str:
        """Hash of everything that makes the theory what it is."""
        content = {k: getattr(self, k) for k in sorted(_KEYS) if k != "free"}
        if self.free is not None:  # a theory without it keeps the hash of its run folders
            content["free"] = self.free
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def bundled_theories() -> tuple[str, ...]:
    """Return the names of the theories that come with the package."""
    return tuple(sorted(p.stem for p in Path(__file__).with_name("theories").glob("*.toml")))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a theory or prior file.

    Raises
    ------
    StudyError
        There is no such file, it cannot be read, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
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


def unknown(kind: str, found: str, where: str, known: list[str]) -> StudyError:
    """Return the complaint about a name that is none of the known ones."""
    return StudyError(
        f"unknown {kind}",
        where=where,
        found=found,
        expected="one of " + ", ".join(known),
        mend=f"correct the {kind}'s name",
    )


def wrong_type(what: str, found: Any, where: str, expected: str) -> StudyError:
    """Return the complaint about a value of the wrong type."""
    return StudyError(
        f"{what} is of the wrong type",
        where=where,
        found=repr(found),
        expected=expected,
        mend="copy a bundled theory and change it",
    )


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
        here = Path(__file__).with_name("theories")
        by_id = {tomllib.loads(p.read_text())["id"]: p for p in sorted(here.glob("*.toml"))}
        path = by_id.get(text, here / f"{text}.toml")
    theory = theory_from_table(read_toml(path), str(path))
    if priors is not None:
        extra = read_toml(Path(priors))
        other = set(extra) - {"priors"}
        if other:
            raise unknown("key", sorted(other)[0], str(priors), ["priors"])
        mine = extra.get("priors", {})
        check_priors(mine, all_declared(BARE), str(priors))
        theory = replace(theory, priors={**theory.priors, **mine})
    return theory


def theory_of(theory: Theory | str | Path) -> Theory:
    """Return a theory as it is, or the one of a name, id or file, see `load_theory`."""
    return theory if isinstance(theory, Theory) else load_theory(theory)


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
        raise wrong_type("the theory", raw, where, "a table of keys")
    for key in raw:
        if key not in _KEYS:
            raise unknown("key", key, where, sorted(_KEYS))
    missing = sorted(_KEYS - _OPTIONAL - set(raw))
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
            raise wrong_type(key, raw[key], where, "a text in quotation marks")
    if not isinstance(raw["beliefs"], bool):
        raise wrong_type("beliefs", raw["beliefs"], where, "true or false")
    lists = {"mechanisms": raw["mechanisms"], "neutral": raw.get("neutral", [])}
    lists |= {"free": raw["free"]} if "free" in raw else {}
    for key, value in lists.items():
        if not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise wrong_type(key, value, where, 'a list of names such as ["talks"]')
    if lists["neutral"] and "free" in lists:
        raise StudyError(
            "a theory says both which parameters are free and which are neutral",
            where=f"{where}: free, neutral",
            found=f"{len(lists['neutral'])} neutral and {len(lists['free'])} free ones",
            expected="one of both: all others are then the opposite",
            mend="remove one of the lists",
        )
    for name in lists["mechanisms"]:
        if name not in (*MECHANISMS, *CONDUCT):
            raise unknown("mechanism", name, where, [*MECHANISMS, *CONDUCT])
    theory = Theory(
        id=raw["id"],
        name=raw["name"],
        title=raw["title"],
        source=raw["source"],
        beliefs=raw["beliefs"],
        mechanisms=tuple(lists["mechanisms"]),
        neutral=tuple(lists["neutral"]),
        priors=with_infinities(raw.get("priors", {})),
        free=tuple(lists["free"]) if "free" in lists else None,
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
    table = {**dataclasses.asdict(theory), "priors": priors}
    return {k: v for k, v in table.items() if v is not None}


def with_infinities(priors: Any) -> Any:
    """Return priors as they were parsed, with ``"inf"`` and ``"-inf"`` as numbers."""
    if not isinstance(priors, dict):
        return priors
    return {
        name: {k: float(v) if v in ("inf", "-inf") else v for k, v in spec.items()}
        if isinstance(spec, dict)
        else spec
        for name, spec in priors.items()
    }


def _check_names(theory: Theory, where: str) -> None:
    """Check neutral or free parameters and priors against what the mechanisms declare."""
    if not theory.neutral and not theory.free and theory.priors == {}:
        return
    known = all_declared(BARE)
    for key in ("neutral", "free"):
        for name in getattr(theory, key) or ():
            if name not in known:
                raise unknown("parameter", name, f"{where}: {key}", sorted(known))
    check_priors(theory.priors, known, where)


def _declared(structure: Structure, group: tuple[str, ...]) -> Declared:
    # Structures that differ in their ways of counting alone are equal, and yet of other sizes.
    return dict(_parameters(structure, structure.instruments, group))


@lru_cache(maxsize=64)
def _parameters(
    structure: Structure, instruments: tuple[str, ...], group: tuple[str, ...]
) -> tuple[tuple[str, tuple[str, Parameter]], ...]:
    return tuple(
        (parameter.name, (mechanism, parameter))
        for mechanism in group
        for parameter in import_module(f"beliefs.model.mechanisms.{mechanism}").parameters(
            structure
        )
    )


def declared(structure: Structure) -> Declared:
    """Return every parameter of belief and talks: name -> (mechanism, parameter)."""
    return _declared(structure, MECHANISMS)


def conduct_declared(structure: Structure) -> Declared:
    """Return every parameter of conduct: name -> (mechanism, parameter)."""
    return _declared(structure, CONDUCT)


def all_declared(structure: Structure) -> Declared:
    """Return the parameters of both groups, those of belief and talks first."""
    return declared(structure) | conduct_declared(structure)


def _free(theory: Theory, structure: Structure, group: Declared) -> tuple[Parameter, ...]:
    known = all_declared(structure)
    for name in (*theory.neutral, *(theory.free or ()), *theory.priors):
        if name not in known:
            raise unknown("parameter", name, f"theory {theory.name}", sorted(known))
    chosen = []
    for name, (mechanism, parameter) in group.items():
        empty = 0 in structure.size(parameter.dims)
        if empty or not theory.frees(mechanism, name):
            continue
        if name in theory.priors:
            parameter = replace(parameter, prior=distribution(theory.priors[name]))
        chosen.append(parameter)
    return tuple(chosen)


def free_parameters(theory: Theory, structure: Structure) -> tuple[Parameter, ...]:
    """Return the parameters of belief and talks that the theory lets the data move.

    Priors are those of the theory.

    Raises
    ------
    StudyError
        The theory names a parameter that no mechanism declares.
    """
    return _free(theory, structure, declared(structure))


def conduct_parameters(theory: Theory, structure: Structure) -> tuple[Parameter, ...]:
    """Return the same for the parameters of conduct."""
    return _free(theory, structure, conduct_declared(structure))


def _neutral(structure: Structure, group: Declared, free: tuple[Parameter, ...]) -> Neutral:
    names = {p.name for p in free}
    return {
        name: np.full(structure.size(parameter.dims), parameter.neutral)
        for name, (_, parameter) in group.items()
        if name not in names
    }


def neutral_values(theory: Theory, structure: Structure) -> Neutral:
    """Return the neutral arrays of all parameters of belief and talks the theory does not free."""
    return _neutral(structure, declared(structure), free_parameters(theory, structure))


def conduct_neutral(theory: Theory, structure: Structure) -> Neutral:
    """Return the same for the parameters of conduct."""
    return _neutral(structure, conduct_declared(structure), conduct_parameters(theory, structure))


def not_finite(theory: Theory, structure: Structure, where: str) -> StudyError:
    """Return the error for numbers that a theory's priors let grow past what can be held.

    It names the priors that reach more than three times as far as the mechanism's own.
    """
    both = all_declared(structure)
    wide = [
        name
        for name, spec in theory.priors.items()
        if name in both and _reach(distribution(spec)) > 3.0 * _reach(both[name][1].prior)
    ]
    return StudyError(
        "the priors lead to numbers that are not finite",
        where=f"theory {theory.name}, {where}",
        found="priors " + ", ".join(wide or sorted(theory.priors) or ["of the mechanisms"]),
        expected="priors whose draws can be held in numbers",
        mend="narrow them; `beliefs theories --show` lists those of the package",
    )


def _reach(prior: Any) -> float:
    """Return the distance between the 5 % and the 95 % point of a prior."""
    low, high = (float(np.asarray(prior.ppf(q))) for q in (0.05, 0.95))
    return high - low


def prior_table(theory: Theory | str | Path, structure: Structure) -> list[dict[str, Any]]:
    """Return one row per declared parameter: prior, unit, source, neutral value, free or not.

    Parameters of belief and talks come first, then those of conduct.
    """
    theory = theory_of(theory)
    both = (*free_parameters(theory, structure), *conduct_parameters(theory, structure))
    free = {p.name: p for p in both}
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
        for name, (mechanism, parameter) in all_declared(structure).items()
    ]
