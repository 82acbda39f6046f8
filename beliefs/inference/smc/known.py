"""A track, or all blocks, as they stood after an earlier period: of what was published by then.

Where nothing came out late that is what they had seen up to it. A reading or a round of talks that
was published later belongs to its own date, so that what they have seen by now holds it already:
then they go back to it, and on again without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import ConflictError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.blocks import Blocks, advance_blocks, shared_past
from beliefs.inference.smc.track import advance, first_change
from beliefs.inference.smc.track_result import Track
from beliefs.study.load import Study, load_study

__all__ = ["blocks_known", "track_known"]


def track_known(track: Track, n: int) -> Track:
    """Return a track as it stood after its first `n` periods.

    Raises
    ------
    ConflictError
        The study's folder no longer holds what was tracked.
    """
    if n == track.n_time:
        return track
    study, inputs = _as_of(track.study, track.inputs, n)
    if first_change(track.model(), track.model(inputs), n) < n:
        _check_folder(track.study, track.inputs)
    return advance(track.until(n), study, inputs=inputs)


def blocks_known(whole: Blocks, n: int, near: Blocks | None = None) -> Blocks:
    """Return blocks as they stood after the first `n` periods.

    Parameters
    ----------
    whole
        Blocks of the whole study.
    n
        Number of periods.
    near
        What this gave for an earlier period, to go on from where that is the shorter way.

    Raises
    ------
    ConflictError
        The study's folder no longer holds what was tracked.
    """
    if n == whole.n_time:
        return whole
    study, inputs = _as_of(whole.study, whole.inputs, n)
    found = whole.until(n)
    past = shared_past(found, inputs)
    if past < n:
        _check_folder(whole.study, whole.inputs)
        if near is not None and shared_past(near, inputs) > past:
            found = near
    return advance_blocks(found, study, inputs=inputs)


def _as_of(study: Study, inputs: Inputs, n: int) -> tuple[Study, Inputs]:
    """Return the study as it was known after its first `n` periods, and its inputs."""
    day = inputs.dates[n - 1] + np.timedelta64(inputs.step_days - 1, "D")
    known = load_study(study.path, as_of=day)
    return known, build_inputs(known)


def _check_folder(study: Study, inputs: Inputs) -> None:
    """Refuse to go back to what a folder says of the past if it says other things by now."""
    again = build_inputs(load_study(study.path, as_of=study.as_of))
    for one, other in ((inputs, again), (inputs.observed, again.observed)):
        for name, values in vars(one).items():
            if isinstance(values, np.ndarray) and not _equal(values, getattr(other, name)):
                raise ConflictError(
                    "the study's folder no longer holds what was tracked",
                    where=str(study.path),
                    found=f"other values of {name}",
                    expected="the rows that the track has seen",
                    mend="advance the track to the study as it is now",
                )


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    unknown = (one != one) & (other != other)
    return bool(((one == other) | unknown).all())
