"""The last posterior of a track is that of NUTS, on every bundled study."""

import numpy as np
import pytest
from agreement import agreement

from beliefs.inference.nuts.fit import fit
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.smc.track import track
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

pytestmark = [pytest.mark.statistical, pytest.mark.slow]
HORIZON = {"us-civil-war": 26}  # periods; 90 days otherwise
PARTICLES = {"us-iran-2012": 4000}  # 2000 otherwise


@pytest.mark.parametrize("theory", ["mutual_optimism", "base_rate"])
@pytest.mark.parametrize("name", ["us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel"])
def test_a_track_ends_where_the_sampler_does(name, theory):
    study, chosen = load_study(name), load_theory(theory)
    fitted = fit(study, chosen, seed=11, sampling=Sampling(draws=2500))
    followed = track(study, chosen, particles=PARTICLES.get(name, 2000), seed=1)
    found = agreement(followed, fitted, HORIZON.get(name, 90))
    over = np.abs(found.mean) > 0.15 + 2.0 * found.error
    assert not over.any(), [(found.names[k], found.mean[k]) for k in np.flatnonzero(over)]
    beyond = (found.spread < 0.85) | (found.spread > 1.15)
    assert not beyond.any(), [(found.names[k], found.spread[k]) for k in np.flatnonzero(beyond)]
    assert np.abs(found.belief).max() < 0.02, found.belief
    assert max(map(abs, found.target.values())) < 0.03, found.target
