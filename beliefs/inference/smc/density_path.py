"""What holding parameters null would cost in score, period by period, without another track.

Savage and Dickey (Dickey 1971; MODEL section 7.2): with independent priors, the density that a
model gives an observation is to that of the model with parameters held at null as their density at
null before the observation is to that after it. Both are those of the same particles under two sets
of weights, so that their ratio has little noise. They are taken for Gaussian in normal scores:
exact where the posterior is, and tame where the null value lies in its tail, where no particle is.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from beliefs.inference.smc.particles import Floats, Ints, effective_size, normalised
from beliefs.inference.smc.track import Track
from beliefs.inference.smc.unconstrained import Coordinates
from beliefs.model.theory import free_parameters

FEWEST = 1.0 / 8.0  # share of effective particles below which a period is not reweighted


class _Stretch(NamedTuple):
    """Periods with one set of particles, and what these predicted of them and the one after."""

    low: int
    high: int
    scores: Floats
    newest: Floats  # log predictive densities, (periods, 2, N)


def density_path(track: Track, groups: Mapping[str, Sequence[str]]) -> Floats:
    """Return by how much freeing parameters changed log scores, (group, time, `OBSERVABLES`).

    Talks are given the readings of their period; 0 where nothing was seen. `groups` holds by name
    the free parameters (all elements), or labels of single elements such as ``shock_jump[0, 1]``,
    that are held at their null values together.
    """
    assert not track.first, "a track that was taken over does not say how it got there"
    watched = [_watched(track, members) for members in groups.values()]
    out = np.zeros((len(watched), track.n_time, 2))
    held: _Stretch | None = None
    for stretch in _stretches(track):
        for t in range(stretch.low, stretch.high):
            # The log weights with which the particles of a period met it.
            before = track.log_weights[t - 1] if t > 0 else np.zeros(len(track.generations[0]))
            own = stretch if held is None or t > stretch.low else held
            reading, talks = own.newest[t - own.low]
            scores, between, seen = own.scores, before + reading, reading.any()
            after = between + talks
            left = effective_size(before + own.newest[t - own.low].sum(axis=0))
            if own is held and not left >= FEWEST * len(before):
                # Hardly any of the old particles are left: by the new ones.
                scores, after, talks = stretch.scores, track.log_weights[t], stretch.newest[0, 1]
                between, seen = after - talks, True
            for group, (places, null) in enumerate(watched):
                old, new = own.scores[:, places], scores[:, places]
                first = log_density_at(old, before, null)
                # An observation that saw nothing more is not counted.
                second = log_density_at(new, between, null) if seen else first
                third = log_density_at(new, after, null) if talks.any() else second
                out[group, t] = -np.diff([first, second, third])
        held = stretch
    return out


def _stretches(track: Track) -> Iterator[_Stretch]:
    model, generation = track.model(), track.generation
    for number in sorted({0, *generation.tolist()}):  # the first period may move those of the prior
        low, high = (int(v) for v in np.searchsorted(generation, [number, number + 1]))
        scores, end = track.particles(number), min(high + 1, track.n_time)
        path = model.replay(scores, end, keep=True, since=low)[2]
        yield _Stretch(low, high, scores, np.ascontiguousarray(path[..., :2].transpose(1, 2, 0)))


def log_density_at(scores: Floats, log_weights: Floats, place: Floats) -> float:
    """Return the log density at a place (k,) of the Gaussian that fits particles (N, k)."""
    weights = normalised(log_weights)
    mean = weights @ scores
    centred = scores - mean
    cov = (weights[:, None] * centred).T @ centred
    away = place - mean
    apart, size = away @ np.linalg.solve(cov, away), np.linalg.slogdet(cov)[1]
    return float(-0.5 * (apart + size + len(place) * np.log(2.0 * np.pi)))


def _watched(track: Track, members: Sequence[str]) -> tuple[Ints, Floats]:
    """Return the places of parameters among the scores, and the scores of null values."""
    known, labels = track.coordinates, track.coordinates.labels
    free = {p.name: p for p in free_parameters(track.theory, track.structure)}
    places: list[int] = []
    null: list[float] = []
    for member in members:
        mine = [k for k, label in enumerate(labels) if member in (label, label.split("[")[0])]
        name = member.split("[")[0]
        part = next(p for p in known.parts if p.name == name)
        value = free[name].null
        assert part.low < value < part.high, f"{name} is null on the bound of its prior"
        null_value, prior = {name: np.full((1, *part.shape), value)}, {name: free[name].prior}
        one = Coordinates((part,)).scores(null_value, prior)[0, 0]
        places += mine
        null += [float(one)] * len(mine)
    return np.asarray(places, dtype=np.int64), np.asarray(null)
