"""What moves a forecast, and what moved a belief."""

import numpy as np
import pytest

from beliefs import forecast, probability
from beliefs.evaluation import sensitivity as module
from beliefs.evaluation.attribution import causes
from beliefs.evaluation.sensitivity import contraction, sensitivity
from beliefs.inference.smc.track import posterior_at, track
from beliefs.model.mechanisms import belief
from beliefs.model.theory import free_parameters, load_theory
from beliefs.simulation.paths import draws_of

HORIZON = 14


@pytest.fixture(scope="module")
def tracked(acting):
    """A small study under the base-rate theory: two parameters of talks, and actions."""
    found = track(acting, load_theory("base_rate"), particles=1000, seed=1)
    return posterior_at(found, found.n_time - 1)


@pytest.fixture(scope="module")
def found(tracked):
    return sensitivity(tracked, HORIZON, seed=2, particles=400)


def test_probabilities_and_flags_are_those_of_the_forecast(tracked, found):
    result = forecast(tracked, HORIZON, seed=2)
    assert {row.target for row in found.rows} >= {"talks", "breach", "deal", "war"}
    for row in found.rows:
        said = probability(result, row.target, by=row.by, side=row.side)
        assert row.p == said.p and row.mcse == pytest.approx(said.mcse)
        assert row.powers[0].prior_dominated == said.prior_dominated
        assert any(p.prior_data_conflict for p in row.powers) == said.prior_data_conflict


@pytest.mark.slow
def test_draws_that_are_reweighted_say_what_tracking_again_says(tracked, monkeypatch):
    near = sensitivity(tracked, HORIZON, seed=2, particles=400, scales=[0.8, 1.25])
    monkeypatch.setattr(module, "RELIABLE", -np.inf)
    again = sensitivity(tracked, HORIZON, seed=2, particles=1000, scales=[0.8, 1.25])
    assert all(point.method == "tracked" for point in again.points)
    pairs = [p for p in zip(near.points, again.points, strict=True) if p[0].method == "reweighted"]
    assert len(pairs) >= 3
    for one, two in pairs:
        # The tracked change has other draws: its error counts as well.
        error = np.hypot(one.error_of_change, two.error_of_change) + 1e-3
        assert (abs(one.p - two.p) < 4.5 * error).all(), one.part


def test_contraction_is_one_less_the_ratio_of_spreads(tracked, found):
    posterior = tracked
    rows = {row.name: row for row in found.contraction}
    base = posterior.tree["posterior"]["onset_base"].values.ravel()
    row = rows["onset_base"]
    free = free_parameters(posterior.theory, posterior.structure)
    declared = next(p for p in free if p.name == "onset_base")
    assert row.prior_sd == pytest.approx(declared.prior.sigma, rel=1e-6)
    assert row.contraction == pytest.approx(1.0 - base.std(ddof=1) / row.prior_sd)
    assert row.mechanism == "talks" and np.isfinite([row.power_prior, row.power_likelihood]).all()
    assert any(name.startswith("strike_base[") for name in rows)
    short = contraction(posterior, True, power=False)
    assert [r.contraction for r in short] == [r.contraction for r in found.contraction]
    # Strikes were seen on most days, agreements hardly: the study teaches the one.
    learnt = max(r.contraction for n, r in rows.items() if n.startswith("strike_base"))
    assert learnt > 0.3 > rows["reversal_base[treaty]"].contraction


def test_the_causes_add_up_to_the_path_draw_by_draw(unsampled):
    known = draws_of(unsampled, "posterior", actions=False)
    params, path = known.params, known.logit_belief
    total = np.repeat(belief.start_of(params)[..., None], path.shape[-1], axis=-1)
    moved = set()
    for cause in causes(unsampled):
        moved |= {cause.kind} if np.abs(cause.push).max() > 0 else set()
        total[:, cause.side] += np.cumsum(np.broadcast_to(cause.push, path[:, 0].shape), axis=-1)
    np.testing.assert_allclose(total, path, rtol=0.0, atol=1e-4)  # paths are single precision
    assert {"news", "shock", "quiet", "persistence", "forgetting", "unexplained"} <= moved
