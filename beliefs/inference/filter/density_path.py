r"""What holding parameters neutral would cost in score, period by period, without another track.

Savage and Dickey (Dickey 1971): with independent priors, the densities that a model and the model
with parameters :math:`\phi` held at :math:`n` give to an observation are related by

.. math:: \frac{p(y_t \mid past)}{p(y_t \mid past, \phi = n)} =
          \frac{p(\phi = n \mid past)}{p(\phi = n \mid past, y_t)}

Both densities on the right are those of the same particles under two sets of weights, so that
their ratio has little noise. They are taken for Gaussian in normal scores: exact where the
posterior is, and tame where the neutral value lies in its tail, where no particle is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import StudyError
from beliefs.inference.smc.particles import effective_size, normalised
from beliefs.inference.smc.track import Track
from beliefs.inference.smc.unconstrained import Coordinates
from beliefs.model.theory import free_parameters

__all__ = ["DensityPath", "density_path", "log_density_at"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Watched = Mapping[str, tuple[Ints, Floats]]

OBSERVABLES = ("reading", "talks")
FEWEST = 1.0 / 8.0
"""Share of effective particles below which a period is not judged by reweighting them."""


@dataclass(frozen=True, eq=False)
class DensityPath:
    """Log score with parameters free less that with them neutral.

    Attributes
    ----------
    groups
        Names of the groups.
    observables
        ``reading`` and ``talks``; talks given the readings of their period.
    difference
        (group, time, observable): positive where freeing the parameters predicted better; 0 where
        nothing was seen.
    """

    groups: tuple[str, ...]
    observables: tuple[str, ...]
    difference: Floats


@dataclass(frozen=True)
class _Stretch:
    """Periods with one set of particles, and the first one after them."""

    low: int
    high: int
    scores: Floats
    newest: Floats


def density_path(track: Track, groups: Mapping[str, Sequence[str]]) -> DensityPath:
    """Return by how much freeing parameters changed each one-step log score.

    Parameters
    ----------
    track
        A track from before the first period.
    groups
        Name of a group -> names of free parameters (all elements), or labels of single elements
        such as ``shock_jump[0, 1]``, held neutral together.

    Raises
    ------
    StudyError
        A parameter is not free, its neutral value lies on or beyond the bound of its prior, or the
        track was taken over from a posterior.
    """
    if track.first > 0:
        raise StudyError(
            "a track that was taken over does not say how it got there",
            where="track",
            found=f"a first row at period {track.first}",
            expected="a track from before the first period",
            mend="track the study from its beginning",
        )
    watched = {name: _watched(track, members, name) for name, members in groups.items()}
    out = np.zeros((len(watched), track.n_time, 2))
    held: _Stretch | None = None
    for stretch in _stretches(track):
        for t in range(stretch.low, stretch.high):
            before = _before(track, t)
            if held is None or t > stretch.low:
                out[:, t] = _reweighted(watched, stretch, t, before)
            elif _left(held, t, before) >= FEWEST:
                out[:, t] = _reweighted(watched, held, t, before)
            else:
                out[:, t] = _replaced(watched, held, stretch, t, before, track.log_weights[t])
        held = stretch
    return DensityPath(tuple(watched), OBSERVABLES, out)


def _before(track: Track, t: int) -> Floats:
    """Return the log weights with which the particles of a period met it, (N,)."""
    return track.log_weights[t - 1] if t > 0 else np.zeros(len(track.epochs[0]))


def _stretches(track: Track) -> Iterator[_Stretch]:
    """Yield the periods of a track by their particles, with what each predicted."""
    model, epoch = track.model(), track.epoch
    for number in sorted({0, *epoch.tolist()}):  # the first period may move those of the prior
        low, high = (int(v) for v in np.searchsorted(epoch, [number, number + 1]))
        scores = track.epochs[number]
        path = model.replay(scores, min(high + 1, track.n_time), keep=True)[2]
        yield _Stretch(
            low, high, scores, np.ascontiguousarray(path[:, low:, :2].transpose(1, 2, 0))
        )


def _left(stretch: _Stretch, t: int, before: Floats) -> float:
    """Return the share of effective particles that a period leaves."""
    return effective_size(before + stretch.newest[t - stretch.low].sum(axis=0)) / len(before)


def _reweighted(watched: Watched, stretch: _Stretch, t: int, before: Floats) -> Floats:
    """Return the differences of a period by reweighting the particles before it, (group, 2)."""
    newest = stretch.newest[t - stretch.low]
    steps = np.cumsum(np.concatenate([before[None], newest]), axis=0)
    seen = newest.any(axis=1)
    return np.stack(
        [
            -np.diff(_at_steps(stretch.scores[:, places], steps, seen, neutral))
            for places, neutral in watched.values()
        ]
    )


def _replaced(
    watched: Watched, old: _Stretch, new: _Stretch, t: int, before: Floats, after: Floats
) -> Floats:
    """Return those of a period that left hardly any of the old particles, by the new ones."""
    said = new.newest[t - new.low, 1]
    steps, out = np.stack([after - said, after]), []
    for places, neutral in watched.values():
        first = log_density_at(old.scores[:, places], before, neutral)
        rest = _at_steps(new.scores[:, places], steps, [said.any()], neutral)
        out.append(-np.diff([first, *rest]))
    return np.stack(out)


def _at_steps(scores: Floats, steps: Floats, seen: Iterable[Any], neutral: Floats) -> Floats:
    """Return log densities under each set of weights; one that saw nothing more is not counted."""
    values = [log_density_at(scores, steps[0], neutral)]
    for weights, more in zip(steps[1:], seen, strict=True):
        values.append(log_density_at(scores, weights, neutral) if more else values[-1])
    return np.asarray(values)


def log_density_at(scores: Floats, log_weights: Floats, place: Floats) -> float:
    """Return the log density at a place of the Gaussian that fits weighted particles.

    Parameters
    ----------
    scores
        (N, k).
    log_weights
        (N,), not normalised.
    place
        (k,).
    """
    weights = normalised(log_weights)
    mean = weights @ scores
    centred = scores - mean
    cov = (weights[:, None] * centred).T @ centred
    away = place - mean
    size = np.linalg.slogdet(cov)[1]
    return float(
        -0.5 * (away @ np.linalg.solve(cov, away) + size + len(place) * np.log(2.0 * np.pi))
    )


def _watched(track: Track, members: Sequence[str], group: str) -> tuple[Ints, Floats]:
    """Return the places of parameters among the scores, and the scores of neutral values."""
    known, labels = track.coordinates, track.coordinates.labels
    free = {p.name: p for p in free_parameters(track.theory, track.structure)}
    places: list[int] = []
    neutral: list[float] = []
    for member in members:
        mine = [k for k, label in enumerate(labels) if member in (label, label.split("[")[0])]
        if not mine:
            raise StudyError(
                "no such free parameter in the belief block",
                where=f"group {group}",
                found=member,
                expected="one of " + ", ".join(part.name for part in known.parts),
                mend="free the parameter in the theory, or leave it out of the group",
            )
        name = member.split("[")[0]
        part = next(p for p in known.parts if p.name == name)
        value = free[name].neutral
        if not part.low < value < part.high:
            raise StudyError(
                "a neutral value on the bound of its prior has no density to compare",
                where=f"group {group}",
                found=f"{name} is neutral at {value}, its prior from {part.low} to {part.high}",
                expected="a prior with the neutral value inside",
                mend="give it a prior on both sides of the neutral value, or track without it",
            )
        one = Coordinates((part,)).scores(
            {name: np.full((1, *part.shape), value)}, {name: free[name].prior}
        )
        places += mine
        neutral += [float(one[0, 0])] * len(mine)
    return np.asarray(places, dtype=np.int64), np.asarray(neutral)
