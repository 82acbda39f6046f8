"""Rival theories as data: which mechanisms are on, which parameters are free, which priors.

Theories with other priors come from those: the ones that claims are judged under, since a claim
that a prior already grants cannot be contradicted by data (``data/judging.toml`` frees what claims
are about and gives parameters with a presumed sign a prior of either sign), scaled ones, and those
that a population informs: what earlier conflicts say of a new one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, FiniteFloat, StrictBool, TypeAdapter, ValidationError

import beliefs.model.mechanisms as folder
from beliefs.errors import StudyError
from beliefs.model.contract import Parameter, logistic
from beliefs.model.priors import Prior, check_names, check_priors, distribution
from beliefs.model.structure import Structure
from beliefs.study.bundled import data_folder, read_pooled
from beliefs.study.safefile import read_small
from beliefs.study.specfile import translate

if TYPE_CHECKING:
    from beliefs.study.load import Study

# Names and supports of parameters are the same in every study; this one has nothing else.
BARE = Structure(("one", "other"), 1.0, 1, *((),) * 6, endurance=(True, True))
_THEORIES = Path(__file__).with_name("theories")
SIMPLE = "simple"  # the theory that a study begins with
# After the id of a theory with the priors that its claims are judged under, and of one that a
# population informs where both stand side by side.
JUDGED, POPULATION = "J", "P"
MAY_VARY = ("onset_base", "continuation_base", "deal_base")

Text = Annotated[str, Field(pattern=r"\S")]
Priors = Mapping[str, Mapping[str, Any]]
"""Overrides: parameter name -> table of ``dist``, a PreliZ name, and its parameters."""
Declared = dict[str, tuple[str, Parameter]]
Nulls = dict[str, np.ndarray[Any, Any]]


@cache
def mechanisms(block: str | None = "belief") -> Mapping[str, Any]:
    """Return the modules of a block by name, in order, or all when None.

    `fit` and `track` infer those of ``belief``, talks included, together; those of ``actions`` are
    inferred in blocks of their own, and beliefs enter them as covariates. Every file of the folder
    is one.
    """
    if block is None:
        return {**mechanisms("belief"), **mechanisms("actions")}
    names = sorted(found.name for found in iter_modules(folder.__path__))
    modules = {name: import_module(f"{folder.__name__}.{name}") for name in names}
    of = {n: {f.block for f in getattr(m, "FACTORS", ())} or {"belief"} for n, m in modules.items()}
    mine = [name for name in names if block in of[name]]
    mine.sort(key=lambda name: getattr(modules[name], "PLACE", len(modules)))
    return {name: modules[name] for name in mine}


@dataclass(frozen=True)
class _PriorFile:
    """A file that replaces priors."""

    priors: Priors = field(default_factory=dict)


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
    null
        Parameters held at their null value although their mechanism is on.
    priors
        See `Priors`.
    free
        The only parameters that are not at null, for a theory that frees few of many; None where
        `null` says which ones are.
    base_surplus
        Surplus at which base hazards of talks are meant, in tenths of the stake.
    varying
        Parameters of which every conflict of a panel has its own (`MAY_VARY`); all others are
        shared by all conflicts, and innovations of belief are of one alone.
    informed
        Which of its priors earlier conflicts taught, and which conflicts; None for none.
    """

    id: Text
    name: Text
    title: Text
    source: Text
    beliefs: StrictBool
    mechanisms: tuple[str, ...]
    null: tuple[str, ...] = ()
    priors: Priors = field(default_factory=dict)
    free: tuple[str, ...] | None = None
    base_surplus: FiniteFloat = 0.0
    varying: tuple[str, ...] = MAY_VARY
    informed: str | None = None

    def frees(self, mechanism: str, parameter: str) -> bool:
        """Return whether the theory lets the data move a parameter of a mechanism."""
        if mechanism not in self.mechanisms:
            return False
        return parameter not in self.null if self.free is None else parameter in self.free

    @property
    def sha256(self) -> str:
        """Hash of everything that makes the theory what it is."""
        content = {k: v for k, v in vars(self).items() if v is not None}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def bundled_theories() -> tuple[str, ...]:
    """Return the names of the rival theories that come with the package, `SIMPLE` is none."""
    return tuple(sorted(p.stem for p in _THEORIES.glob("*.toml") if p.stem != SIMPLE))


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a theory or prior file."""
    try:
        return tomllib.loads(read_small(path))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, FileNotFoundError):
            what, found = "no such theory or prior file", ""
            expected = (
                f"one of {', '.join((SIMPLE, *bundled_theories()))}, or a path to a TOML file"
            )
            fix = "list the theories with `beliefs theories`"
        elif isinstance(error, OSError):
            what = "the theory or prior file cannot be read"
            found = error.strerror or type(error).__name__
            expected, fix = "a readable TOML file", "check the path and its permissions"
        else:  # bad TOML, bad UTF-8, a number without end
            what, found = "the file is not valid TOML", str(error)
            expected, fix = "UTF-8 TOML", "fix the line named in 'found'"
        raise StudyError(what, where=str(path), found=found, expected=expected, fix=fix) from error


def _read[M](model: type[M], raw: Any, where: str) -> M:
    """Return the dataclass that a parsed file describes, or say what is wrong with it."""
    keys = sorted(inspect.signature(model).parameters)
    check_names("key", raw if isinstance(raw, dict) else (), where, keys)
    try:
        return TypeAdapter(model).validate_python(raw)
    except ValidationError as error:
        raise translate(
            error, lambda *loc: f"{where}: {'.'.join(map(str, loc))}".removesuffix(": ")
        ) from None


def load_theory(name_or_path: str | Path, priors: str | Path | None = None) -> Theory:
    """Load a bundled theory by name or id, or a theory file by path.

    Parameters
    ----------
    name_or_path
        ``mutual_optimism``, ``M1`` or a path ending in ``.toml``.
    priors
        TOML file whose ``[priors.<parameter>]`` tables replace priors.

    Returns
    -------
    Theory

    Raises
    ------
    StudyError
        Unknown theory, mechanism, parameter or distribution.

    Examples
    --------
    >>> beliefs.load_theory("M1").name
    'mutual_optimism'
    """
    text = str(name_or_path)
    if text.endswith(".toml"):
        path = Path(text)
    else:
        by_id = {tomllib.loads(p.read_text())["id"]: p for p in sorted(_THEORIES.glob("*.toml"))}
        path = by_id.get(text, _THEORIES / f"{text}.toml")
    theory = theory_from_table(read_toml(path), str(path))
    if priors is not None:
        mine = _read(_PriorFile, read_toml(Path(priors)), str(priors)).priors
        check_priors(mine, declared(BARE, None), str(priors))
        theory = replace(theory, priors={**theory.priors, **mine})
    return theory


def theory_of(theory: Theory | str | Path) -> Theory:
    """Return a theory as it is, or the one of a name, id or file, see `load_theory`."""
    return theory if isinstance(theory, Theory) else load_theory(theory)


def theory_from_table(raw: Any, where: str, checked: str | None = None) -> Theory:
    """Return the theory that a parsed TOML or JSON file describes, checked.

    Infinite numbers may be written ``"inf"``, ``"-inf"``. `checked` is the hash of a theory whose
    parameters and priors were checked before, which takes seconds.
    """
    theory = _read(Theory, raw, where)
    theory = replace(theory, priors=_with_infinities(theory.priors))
    if theory.null and theory.free is not None:
        raise StudyError(
            "a theory says both which parameters are free and which are null",
            where=f"{where}: free, null", fix="remove one of the lists",
            found=f"{len(theory.null)} null and {len(theory.free)} free ones",
            expected="one of both: all others are then the opposite",
        )  # fmt: skip
    check_names("mechanism", theory.mechanisms, where, list(mechanisms(None)))
    check_names("parameter that may vary", theory.varying, f"{where}: varying", MAY_VARY)
    new = checked is None or theory.sha256 != checked
    if new and (theory.null or theory.free or theory.priors):
        known = declared(BARE, None)
        check_names("parameter", theory.null, f"{where}: null", known)
        check_names("parameter", theory.free or (), f"{where}: free", known)
        check_priors(theory.priors, known, where)
    return theory


def table_of(theory: Theory) -> dict[str, Any]:
    """Return the theory as a table for JSON, which has no infinite numbers."""
    priors = {
        name: {k: str(v) if isinstance(v, float) and math.isinf(v) else v for k, v in spec.items()}
        for name, spec in theory.priors.items()
    }
    table = {**dataclasses.asdict(theory), "priors": priors}
    return {k: v for k, v in table.items() if v is not None}


def _with_infinities(priors: Priors) -> Priors:
    """Return priors as they were parsed, with ``"inf"`` and ``"-inf"`` as numbers."""
    return {
        name: {k: float(v) if v in ("inf", "-inf") else v for k, v in spec.items()}
        for name, spec in priors.items()
    }


@lru_cache(maxsize=64)
def _parameters(
    structure: Structure, instruments: tuple[str, ...], block: str | None
) -> tuple[tuple[str, Parameter], ...]:
    # Structures that differ in their ways of counting alone are equal, and yet of other sizes.
    return tuple(
        (name, replace(p, prior=p.prior(structure)) if callable(p.prior) else p)
        for name, module in mechanisms(block).items()
        for p in module.PARAMETERS
    )


def declared(structure: Structure, block: str | None = "belief") -> Declared:
    """Return every parameter of a block, or of both when None: name -> (mechanism, parameter)."""
    found = _parameters(structure, structure.instruments, block)
    return {p.name: (mechanism, p) for mechanism, p in found}


def free_parameters(
    theory: Theory, structure: Structure, block: str | None = "belief"
) -> tuple[Parameter, ...]:
    """Return the parameters that the theory frees, with its priors."""
    named = (*theory.null, *(theory.free or ()), *theory.priors)
    check_names("parameter", named, f"theory {theory.name}", declared(structure, None))
    return tuple(
        replace(p, prior=distribution(theory.priors[name])) if name in theory.priors else p
        for name, (mechanism, p) in declared(structure, block).items()
        if 0 not in structure.size(p.dims)
        and (theory.frees(mechanism, name) if p.on else name in theory.priors)
    )


def null_values(theory: Theory, structure: Structure, block: str | None = "belief") -> Nulls:
    """Return the null values of all parameters that the theory does not free."""
    free = {p.name for p in free_parameters(theory, structure, block)}
    held = [p for name, (_, p) in declared(structure, block).items() if name not in free]
    null = {p.name: np.full(structure.size(p.dims), p.null) for p in held}
    return null | {k: v + theory.base_surplus for k, v in null.items() if k == "base_surplus"}


def not_finite(theory: Theory, structure: Structure, where: str) -> StudyError:
    """Return the error for numbers past what can be held; it names the priors that grew thrice."""

    def reach(prior: Prior) -> float:
        low, high = (float(np.asarray(prior.ppf(q))) for q in (0.05, 0.95))
        return high - low

    both = declared(structure, None)
    wide = [
        name
        for name, spec in theory.priors.items()
        if name in both and reach(distribution(spec)) > 3.0 * reach(both[name][1].prior)
    ]
    return StudyError(
        "the priors lead to numbers that are not finite",
        where=f"theory {theory.name}, {where}",
        found="priors " + ", ".join(wide or sorted(theory.priors) or ["of the mechanisms"]),
        expected="priors whose draws can be held in numbers",
        fix="narrow them; `beliefs theories --show` lists those of the package",
    )


def prior_table(theory: Theory | str | Path, structure: Structure) -> list[dict[str, Any]]:
    """Return one row per declared parameter: prior, unit, source, null value, free or not."""
    free = {p.name: p for p in free_parameters(theory_of(theory), structure, None)}
    return [
        {
            "name": name,
            "mechanism": mechanism,
            "dims": list(p.dims),
            "free": name in free,
            "prior": str(free.get(name, p).prior),
            "null": str(p.null),
            **{key: getattr(p, key) for key in ("unit", "meaning", "source")},
        }
        for name, (mechanism, p) in declared(structure, None).items()
    ]


def judged(theory_name: str) -> Theory:
    """Return a bundled theory with the priors that its claims are judged under.

    What changes, says ``data/judging.toml``: then the theory has ``J`` after its id and ``_judged``
    after its name.
    """
    theory = load_theory(theory_name)
    changes = read_toml(data_folder() / "judging.toml").get(theory.name)
    if changes is None:
        return theory
    freed = changes.get("free", ())
    return replace(
        theory,
        id=f"{theory.id}{JUDGED}",
        name=f"{theory.name}_judged",
        null=tuple(name for name in theory.null if name not in freed),
        free=None if theory.free is None else (*theory.free, *freed),
        priors={**theory.priors, **_with_infinities(changes.get("priors", {}))},
    )


def scaled_prior(prior: Prior, factor: float) -> dict[str, Any] | None:
    """Return a prior `factor` times as wide, as a theory file writes it.

    Its density is raised to the power 1 / factor²: mode and bounds stay, and a normal, whole, half
    or truncated, has its ``sigma`` multiplied by `factor`. A flat prior stays flat. Of another
    family with a ``sigma`` that is multiplied too. None for a family without a ``sigma``, and where
    no density is left.
    """
    built = prior.built
    family = type(built).__name__
    if family == "Beta":
        counts = {n: 1.0 + (float(getattr(built, n)) - 1.0) / factor**2 for n in ("alpha", "beta")}
        return {"dist": family, **counts} if min(counts.values()) > 0.0 else None
    numbers = {name: float(getattr(built, name)) for name in built.param_names}
    if "sigma" not in numbers:
        return None
    numbers["sigma"] *= factor
    return {"dist": family, **{k: v for k, v in numbers.items() if not math.isnan(v)}}


def mechanisms_of(theory: Theory, structure: Structure) -> dict[str, tuple[str, ...]]:
    """Return the free parameters of a theory on a study by mechanism, innovations apart."""
    of = {name: mechanism for name, (mechanism, _) in declared(structure, None).items()}
    every = free_parameters(theory, structure, None)
    free = [p.name for p in every if p.name != "innovation"]
    return {m: tuple(n for n in free if of[n] == m) for m in dict.fromkeys(of[n] for n in free)}


def scaled(
    theory: Theory, structure: Structure, factor: float, only: Collection[str] | None = None
) -> Theory:
    """Return a theory whose priors (of the parameters `only`, or all free ones) are scaled.

    They are `factor` times as wide, see `scaled_prior`; the structure is that of the study, on
    whose step priors of talks depend.
    """
    if not (math.isfinite(factor) and factor > 0.0):
        raise StudyError(
            "the priors cannot be scaled", where="factor", found=str(factor),
            expected="a number above 0", fix="0.5 halves the widths, 2 doubles them",
        )  # fmt: skip
    priors = dict(theory.priors)
    for p in free_parameters(theory, structure, None):
        if p.name != "innovation" and (only is None or p.name in only):
            if (wider := scaled_prior(p.prior, factor)) is not None:
                priors[p.name] = wider
    return replace(theory, priors=priors)


@cache
def load_populations() -> list[dict[str, Any]]:
    """Return populations (`beliefs panel fit`), each of conflicts ended by a day, in order."""
    return sorted(read_pooled("populations")["populations"], key=lambda one: str(one["until"]))


def _population_of(theory: Theory, begun: str) -> dict[str, Any] | None:
    """Return the latest population that taught a theory and had ended before a day."""
    name = theory.id.removesuffix(JUDGED)
    known = [p for p in load_populations() if p["theory"] == name and p["until"] < begun]
    if known and theory.id == name:  # of a file that frees other parameters nothing is known
        own = load_theory(name)
        if (own.mechanisms, own.null, own.free) != (theory.mechanisms, theory.null, theory.free):
            return None
    return known[-1] if known else None


def informed(
    theory: Theory | str, study: Study, *, keep: Collection[str] = (), required: bool = True
) -> Theory:
    """Return a theory with the priors that earlier conflicts give its parameters in a study.

    The latest population counts that had ended before the study begins, so that no later conflict
    informs it, and never its own. Parameters that it did not teach keep the priors of the theory.
    Log-odds per week of talks starting become those per period, at the same age of a deadlock; the
    base hazard that they go on for a week says nothing of other periods, where the theory's prior
    stays. Priors in which a theory differs from the bundled one of its id stay: those of a file,
    and those of `judged`.

    Parameters
    ----------
    theory, study
        A theory or its name, and a study.
    keep
        Parameters whose priors stay those of the theory.
    required
        Whether there must be a population; else a theory without one stays as it is.

    Returns
    -------
    Theory

    Raises
    ------
    StudyError
        No population of this theory had ended before the study begins.

    Examples
    --------
    >>> "history" in beliefs.informed("M0", study).priors
    True
    """
    theory, begun = theory_of(theory), str(study.spec.period.start)
    if (found := _population_of(theory, begun)) is None:
        if not required:
            return theory
        raise StudyError(
            "no population informs this theory on this study",
            where=f"theory {theory.name}, a study from {begun}",
            found=", ".join(f"{p['theory']} until {p['until']}" for p in load_populations()),
            expected=f"a population of {theory.id} until then", fix="use the theory's own priors",
        )  # fmt: skip
    own = load_theory(theory.id.removesuffix(JUDGED))
    mine = {name: table for name, table in theory.priors.items() if own.priors.get(name) != table}
    weeks = study.spec.period.step_days / 7.0
    priors = {name: table for name, table in found["priors"].items() if name not in keep}
    if weeks != 1.0:
        priors.pop("continuation_base", None)
        if (onset := priors.get("onset_base")) is not None:
            p = -np.expm1(weeks * np.log1p(-logistic(np, onset["mu"])))
            shape = (priors | mine).get("deadlock_shape", {}).get("mu", 0.0)  # by age in periods
            mu = np.log(p / (1.0 - p)) + np.expm1(shape) * np.log(weeks)
            priors["onset_base"] = onset | {"mu": round(float(mu), 3)}
    by = f"{found['conflicts']} conflicts of {found['panel']} that had ended by {found['until']}"
    taken = priors.keys() - mine
    return replace(
        theory,
        priors={**theory.priors, **priors, **mine},
        base_surplus=found["base_surplus"] if "onset_base" in taken else theory.base_surplus,
        informed=f"{', '.join(sorted(taken))}: {by}",
    )
