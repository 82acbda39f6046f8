"""A track as named arrays in groups, as a DataTree, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.sequential import Rejuvenation
from beliefs.inference.smc.track import OBSERVABLES, Track
from beliefs.inference.smc.unconstrained import Coordinates, Part
from beliefs.model.theory import Theory
from beliefs.study.load import Study

__all__ = ["Groups", "arrays_of", "attributes_of", "track_from", "track_of", "tree_of"]

Groups = Mapping[str, Mapping[str, tuple[tuple[str, ...], Any]]]
"""Group -> variable -> names of its dimensions, values; a tuple of arrays is their stack."""
_REJUVENATION = tuple(Rejuvenation.__dataclass_fields__)


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
    ``periods`` (weights, filtered beliefs and predictive densities by period), and
    ``rejuvenations`` if there were any.
    """
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
            "epoch": (("time",), track.epoch),
            "log_weight": (("time", "particle"), track.log_weights),
            "belief_mean": (("time", "particle", "side"), np.ascontiguousarray(track.mean)),
            "belief_cov": (("time", "particle", "pair"), np.ascontiguousarray(track.cov)),
            "predictive": (("time", "observable"), track.predictive),
            "time": (("time",), dates),
            "side": (("side",), _text(track.structure.sides)),
            "pair": (("pair",), _text(("first", "both", "second"))),
            "observable": (("observable",), _text(track.observables)),
        },
    }
    if track.rejuvenations:
        groups["rejuvenations"] = {
            name: (
                ("rejuvenation", "kernel") if name == "quality" else ("rejuvenation",),
                np.asarray([getattr(r, name) for r in track.rejuvenations]),
            )
            for name in _REJUVENATION
        }
    return groups


def _text(words: Any) -> NDArray[Any]:
    return np.asarray(list(words), dtype=np.str_)


def tree_of(track: Track) -> Any:
    """Return `arrays_of` a track as a DataTree, with what follows of every period."""
    import xarray as xr  # slow to import, and an update does without

    groups = {
        name: {
            key: (dims, np.stack(values) if isinstance(values, tuple) else values)
            for key, (dims, values) in variables.items()
        }
        for name, variables in arrays_of(track).items()
    }
    for name in ("evidence", "ess", "distinct"):
        groups["periods"][name] = (("time",), getattr(track, name))
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
        name: {
            key: (tuple(map(str, v.dims)), np.asarray(v.values))
            for key, v in node.to_dataset().variables.items()
        }
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

    moved: tuple[Rejuvenation, ...] = ()
    if "rejuvenations" in groups:
        columns = (array("rejuvenations", name).tolist() for name in _REJUVENATION)
        rows = (dict(zip(_REJUVENATION, row, strict=True)) for row in zip(*columns, strict=True))
        moved = tuple(Rejuvenation(**row | {"quality": tuple(row["quality"])}) for row in rows)
    columns = (array("coordinates", name).tolist() for name in ("name", "shape", "low", "high"))
    parts = tuple(
        Part(name, tuple(int(n) for n in shape.split(",") if n), low, high, cubic)
        for name, shape, low, high, cubic in zip(
            *columns, array("coordinates", "cubic"), strict=True
        )
    )
    beliefs = [array("periods", name) for name in ("belief_mean", "belief_cov")]
    return Track(
        study=study,
        inputs=build_inputs(study) if inputs is None else inputs,
        theory=theory,
        observables=OBSERVABLES,
        coordinates=Coordinates(parts),
        seed=int(attributes["seed"]),
        epochs=tuple(array("particles", "score")),
        epoch=array("periods", "epoch"),
        log_weights=array("periods", "log_weight"),
        state=np.concatenate(beliefs, axis=-1),
        predictive=array("periods", "predictive"),
        rejuvenations=moved,
        taken=int(attributes["taken"]),
    )
