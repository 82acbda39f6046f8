"""A track as a DataTree of plain arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from beliefs.errors import ConflictError
from beliefs.infer.filter import Belief
from beliefs.infer.unconstrained import coordinates
from beliefs.study.inputs import Inputs, build_inputs
from beliefs.study.load import Study
from beliefs.theory.theory import Theory

if TYPE_CHECKING:
    from beliefs.infer.track_result import Track

__all__ = ["track_from", "tree_of"]

_STATE = ("mean", "cov", "total", "newest", "audience")


def tree_of(track: Track) -> Any:
    """Return everything but the study as a DataTree, which NetCDF holds to the bit.

    Groups: ``particles`` (scores by epoch), ``periods`` (weights, filtered beliefs, evidence and
    predictive densities by period), ``rejuvenations``, and ``last`` (the state to go on from).
    """
    import xarray as xr

    from beliefs.infer.track_result import Rejuvenation

    structure = track.structure
    dates = track.inputs.dates[: track.n_time].astype("datetime64[ns]")
    periods = {
        "epoch": (("time",), track.epoch),
        "log_weight": (("time", "particle"), track.log_weights),
        "belief_mean": (("time", "particle", "side"), track.mean),
        "belief_cov": (("time", "particle", "pair"), track.cov),
        "total": (("time", "particle"), track.total),
        "quality": (("time", "kernel"), track.quality),
        "evidence": (("time",), track.evidence),
        "predictive": (("time", "observable"), track.predictive),
        "ess": (("time",), track.ess),
        "distinct": (("time",), track.distinct),
    }
    coords = {
        "time": dates,
        "side": list(structure.sides),
        "pair": ["first", "both", "second"],
        "observable": ["reading", "talks"],
    }
    names = list(coordinates(track.theory, structure).labels)
    moved = {
        name: (("rejuvenation",), np.asarray([getattr(r, name) for r in track.rejuvenations]))
        for name in Rejuvenation.__dataclass_fields__
    }
    groups = {
        "/": xr.Dataset(
            attrs={
                "study": track.study.spec.name,
                "study_sha256": track.study.sha256,
                "theory": track.theory.name,
                "theory_sha256": track.theory.sha256,
                "as_of": str(track.study.as_of),
                "seed": track.seed,
            }
        ),
        "/particles": xr.Dataset(
            {"score": (("draw_epoch", "particle", "parameter"), np.stack(track.epochs))},
            coords={"parameter": names},
        ),
        "/periods": xr.Dataset(periods, coords=coords),
        "/rejuvenations": xr.Dataset(moved),
    }
    if track.last is not None:
        groups["/last"] = xr.Dataset(
            {name: (("particle", f"{name}_part"), getattr(track.last, name)) for name in _STATE}
        )
    return xr.DataTree.from_dict(groups)


def track_from(tree: Any, study: Study, theory: Theory, inputs: Inputs | None = None) -> Track:
    """Return the track that a tree holds.

    Parameters
    ----------
    tree
        From `tree_of`, or read back from NetCDF.
    study, theory
        What was tracked.
    inputs
        What the filter was told instead of `build_inputs(study)`.

    Raises
    ------
    ConflictError
        The study or the theory is not the one that was tracked.
    """
    from beliefs.infer.track_result import Rejuvenation, Track

    for name, found, wanted in (
        ("study", study.sha256, tree.attrs["study_sha256"]),
        ("theory", theory.sha256, tree.attrs["theory_sha256"]),
    ):
        if found != wanted:
            raise ConflictError(
                f"the {name} is not the one that was tracked",
                where=name,
                found=found,
                expected=str(wanted),
                mend=f"load the {name} of the track",
            )
    periods, moved = tree["periods"], tree["rejuvenations"]

    def array(group: Any, name: str) -> Any:
        return np.ascontiguousarray(group[name].values)

    last = None
    if "last" in tree.children:
        last = Belief(*(array(tree["last"], name) for name in _STATE))
    names = tuple(Rejuvenation.__dataclass_fields__)
    rows = [
        Rejuvenation(**{name: value.item() for name, value in zip(names, row, strict=True)})
        for row in zip(*(array(moved, name) for name in names), strict=True)
    ]
    return Track(
        study=study,
        inputs=build_inputs(study) if inputs is None else inputs,
        theory=theory,
        seed=int(tree.attrs["seed"]),
        epochs=tuple(array(tree["particles"], "score")),
        epoch=array(periods, "epoch"),
        log_weights=array(periods, "log_weight"),
        mean=array(periods, "belief_mean"),
        cov=array(periods, "belief_cov"),
        total=array(periods, "total"),
        quality=array(periods, "quality"),
        evidence=array(periods, "evidence"),
        predictive=array(periods, "predictive"),
        rejuvenations=tuple(rows),
        last=last,
    )
