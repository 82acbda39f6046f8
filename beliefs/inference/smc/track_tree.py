"""A track as named arrays in groups, as a DataTree, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.filter.filter import Belief
from beliefs.inference.smc.unconstrained import Coordinates, Part
from beliefs.model.theory import Theory
from beliefs.study.load import Study

if TYPE_CHECKING:
    from beliefs.inference.smc.track_result import Track

__all__ = ["Groups", "arrays_of", "attributes_of", "track_from", "track_of", "tree_of"]

Groups = Mapping[str, Mapping[str, tuple[tuple[str, ...], Any]]]
"""Group -> variable -> names of its dimensions, values; a tuple of arrays is their stack."""

_STATE = ("mean", "cov", "total", "newest", "audience", "pair")
_BY_PERIOD = {
    "epoch": ("time",),
    "log_weights": ("time", "particle"),
    "mean": ("time", "particle", "side"),
    "cov": ("time", "particle", "pair"),
    "total": ("time", "particle"),
    "quality": ("time", "kernel"),
    "evidence": ("time",),
    "predictive": ("time", "observable"),
}
_NAMES = {"log_weights": "log_weight", "mean": "belief_mean", "cov": "belief_cov"}


def attributes_of(track: Track) -> dict[str, Any]:
    """Return what a file of the track says of itself."""
    return {
        "study": track.study.spec.name,
        "study_sha256": track.study.sha256,
        "theory": track.theory.name,
        "theory_sha256": track.theory.sha256,
        "as_of": str(track.study.as_of),
        "seed": track.seed,
        "taken": track.taken,
    }


def arrays_of(track: Track) -> Groups:
    """Return everything but the study and the theory as plain arrays.

    Groups: ``particles`` (scores by epoch), ``coordinates`` (how scores are parameters),
    ``periods`` (weights, filtered beliefs, evidence and predictive densities by period),
    ``rejuvenations`` if there were any, and ``last`` (the state to go on from).
    """
    from beliefs.inference.smc.track_result import Rejuvenation

    parts = track.coordinates.parts
    dates = track.inputs.dates[track.first : track.n_time].astype("datetime64[s]")
    groups: dict[str, dict[str, tuple[tuple[str, ...], Any]]] = {
        "particles": {
            "score": (("draw_epoch", "particle", "parameter"), track.epochs),
            "parameter": (("parameter",), _text(track.coordinates.labels)),
        },
        "coordinates": {
            "name": (("part",), _text(p.name for p in parts)),
            "shape": (("part",), _text(",".join(map(str, p.shape)) for p in parts)),
            "low": (("part",), np.asarray([p.low for p in parts])),
            "high": (("part",), np.asarray([p.high for p in parts])),
            "cubic": (("part", "cell", "power"), np.stack([p.cubic for p in parts])),
        },
        "periods": {
            _NAMES.get(name, name): (dims, _by_row(track, name))
            for name, dims in _BY_PERIOD.items()
        }
        | {
            "time": (("time",), dates),
            "side": (("side",), _text(track.structure.sides)),
            "pair": (("pair",), _text(("first", "both", "second"))),
            "observable": (("observable",), _text(("reading", "talks"))),
        },
    }
    if track.rejuvenations:
        groups["rejuvenations"] = {
            name: (("rejuvenation",), np.asarray([getattr(r, name) for r in track.rejuvenations]))
            for name in Rejuvenation.__dataclass_fields__
        }
    if track.last is not None:
        groups["last"] = {
            name: (("particle", f"{name}_part"), getattr(track.last, name)) for name in _STATE
        }
    return groups


def _by_row(track: Track, name: str) -> Any:
    """Return a part of all rows: numbers as an array, arrays as a tuple."""
    values = tuple(getattr(row, name) for row in track.rows)
    return values if isinstance(values[0], np.ndarray) else np.asarray(values)


def _text(words: Any) -> NDArray[Any]:
    return np.asarray(list(words), dtype=np.str_)


def tree_of(track: Track) -> Any:
    """Return `arrays_of` a track as a DataTree, with effective and different particles."""
    import xarray as xr

    groups = {
        name: {
            key: (dims, np.stack(values) if isinstance(values, tuple) else values)
            for key, (dims, values) in variables.items()
        }
        for name, variables in arrays_of(track).items()
    }
    groups["periods"] |= {"ess": (("time",), track.ess), "distinct": (("time",), track.distinct)}
    trees: dict[str, Any] = {"/": xr.Dataset(attrs=attributes_of(track))}
    return xr.DataTree.from_dict(
        trees | {f"/{name}": xr.Dataset(variables) for name, variables in groups.items()}
    )


def track_from(tree: Any, study: Study, theory: Theory, inputs: Inputs | None = None) -> Track:
    """Return the track that a DataTree holds; see `track_of`.

    Parameters
    ----------
    tree
        From `tree_of`, or read back from NetCDF.
    study, theory, inputs
        See `track_of`.
    """
    groups = {
        name: {key: (tuple(map(str, v.dims)), np.asarray(v.values)) for key, v in node.items()}
        | {key: (tuple(map(str, v.dims)), np.asarray(v.values)) for key, v in node.coords.items()}
        for name, node in tree.children.items()
    }
    return track_of(groups, tree.attrs, study, theory, inputs)


def track_of(
    groups: Groups,
    attributes: Mapping[str, Any],
    study: Study,
    theory: Theory,
    inputs: Inputs | None = None,
) -> Track:
    """Return the track that arrays hold.

    Parameters
    ----------
    groups, attributes
        From `arrays_of` and `attributes_of`, or read back from a file.
    study, theory
        What was tracked.
    inputs
        What the filter was told instead of `build_inputs(study)`.

    Raises
    ------
    ConflictError
        The study or the theory is not the one that was tracked, or an array is missing.
    """
    from beliefs.inference.smc.track_result import Rejuvenation, Row, Track

    for name, found, wanted in (
        ("study", study.sha256, attributes["study_sha256"]),
        ("theory", theory.sha256, attributes["theory_sha256"]),
    ):
        if found != wanted:
            raise ConflictError(
                f"the {name} is not the one that was tracked",
                where=name,
                found=found,
                expected=str(wanted),
                mend=f"load the {name} of the track",
            )

    def array(group: str, name: str) -> Any:
        if name not in groups[group]:
            raise ConflictError(
                "the track was written by another version of beliefs",
                where=f"{group}/{name}",
                found="no such array",
                expected="all that a track keeps",
                mend="track the study anew, or use the version that the manifest names",
            )
        return np.ascontiguousarray(groups[group][name][1])

    names = tuple(Rejuvenation.__dataclass_fields__)
    moved: list[Rejuvenation] = []
    if "rejuvenations" in groups:
        columns = (array("rejuvenations", name).tolist() for name in names)
        moved = [
            Rejuvenation(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)
        ]
    columns = (array("periods", _NAMES.get(name, name)) for name in _BY_PERIOD)
    periods = (
        Row(**dict(zip(_BY_PERIOD, row, strict=True)))
        for row in zip(*(v.tolist() if v.ndim == 1 else v for v in columns), strict=True)
    )
    state = "last" in groups
    return Track(
        study=study,
        inputs=build_inputs(study) if inputs is None else inputs,
        theory=theory,
        seed=int(attributes["seed"]),
        epochs=tuple(array("particles", "score")),
        rows=tuple(periods),
        rejuvenations=tuple(moved),
        last=Belief(*(array("last", name) for name in _STATE)) if state else None,
        coordinates=_coordinates(groups["coordinates"]),
        taken=int(attributes["taken"]),
    )


def _coordinates(group: Mapping[str, tuple[tuple[str, ...], NDArray[Any]]]) -> Coordinates:
    columns = (group[name][1].tolist() for name in ("name", "shape", "low", "high"))
    return Coordinates(
        tuple(
            Part(name, tuple(int(n) for n in shape.split(",") if n), low, high, cubic)
            for name, shape, low, high, cubic in zip(
                *columns, np.ascontiguousarray(group["cubic"][1]), strict=True
            )
        )
    )
