"""Drift of moved particles: about 1 where they stood in the target, more where they did not."""

import numpy as np
import pytest

from beliefs.infer.particles import drift
from beliefs.infer.track import DRIFT, FURTHER, LIMITS, RESTLESS, _limits
from beliefs.infer.track_result import Rejuvenation

N, D = 2000, 100


def moved(before, seed, share=0.6):
    """Leave a standard normal as it is, and move a share of the particles."""
    rng = np.random.default_rng(seed)
    yes = rng.random((N, 1)) < share
    return np.where(yes, 0.5 * before + np.sqrt(0.75) * rng.standard_normal((N, D)), before)


def resampled(seed):
    """Return particles of which every second one stands twice, and how many differ."""
    half = np.random.default_rng([seed, 1]).standard_normal((N // 2, D))
    return np.repeat(half, 2, axis=0), N // 2


def test_particles_that_stand_in_the_target_do_not_drift():
    found = []
    for seed in range(40):
        before, different = resampled(seed)
        found.append(drift(before, moved(before, seed), different))
    # 1 were twins to move together; they do not, which makes means quieter, by half at most.
    assert 0.5 < np.mean(found) < 1.0
    assert max(found) < DRIFT


@pytest.mark.parametrize("gap", [0.1, 0.2])
def test_particles_on_their_way_do(gap):
    before, different = resampled(3)
    before = before - gap  # all means are a tenth, or a fifth, of a standard deviation off
    assert drift(before, moved(before, 3), different) > DRIFT


def test_particles_that_do_not_move_do_not_drift():
    before, different = resampled(5)
    assert drift(before, before, different) == 0.0


def rejuvenated(*drifts):
    return [Rejuvenation(t, 1.0, 9.0, 9, 9, 4, 0.5, 0.4, x, False) for t, x in enumerate(drifts)]


def test_a_track_that_drifts_again_moves_further_from_then_on():
    calm, loud = DRIFT - 0.1, DRIFT + 0.1
    assert _limits(rejuvenated(calm, loud, calm)) == LIMITS
    again = _limits(rejuvenated(loud, calm, *[loud] * (RESTLESS - 1)))
    assert again.jump == FURTHER * LIMITS.jump
