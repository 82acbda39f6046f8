"""What moves a forecast, and what moved a belief."""

from dataclasses import replace

import numpy as np
import pytest
from make_conduct import write_conduct

from beliefs.errors import GateError, StudyError
from beliefs.evaluation import sensitivity as module
from beliefs.evaluation.attribution import _flat, causes
from beliefs.evaluation.sensitivity import ALL, contraction, sensitivity
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.probability import probability
from beliefs.inference.conduct import conduct_with
from beliefs.inference.smc.track import posterior_at, track
from beliefs.model.mechanisms import belief
from beliefs.model.theory import free_parameters, load_theory
from beliefs.study.load import load_study

HORIZON = 30


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A small study under the base-rate theory: two parameters of talks, and conduct."""
    study = load_study(write_conduct(tmp_path_factory.mktemp("sens") / "small"))
    found = track(study, load_theory("base_rate"), particles=1000, seed=1)
    return posterior_at(found, found.n_time - 1)


@pytest.fixture(scope="module")
def found(tracked):
    return sensitivity(tracked, HORIZON, seed=2, particles=1000)


def test_probabilities_and_flags_are_those_of_the_forecast(tracked, found):
    told = forecast(tracked, HORIZON, seed=2)
    assert {row.asked.target for row in found.rows} >= {"talks", "breach", "deal", "war"}
    for row in found.rows:
        said = probability(told, row.asked.target, by=row.asked.by, side=row.asked.side)
        assert row.p == said.p and row.mcse == pytest.approx(said.mcse)
        assert row.powers[0].prior_dominated == said.prior_dominated
        assert any(p.prior_data_conflict for p in row.powers) == said.prior_data_conflict


def test_every_part_is_scaled_both_ways(found):
    parts = [(point.part, point.scale) for point in found.points]
    assert parts[:2] == [(ALL, 0.5), (ALL, 2.0)]
    assert ("talks", 0.5) in parts and ("truce", 2.0) in parts
    for point in found.points:
        assert (point.method == "reweighted") == (point.pareto_k <= 0.7)
        assert ((point.p >= 0.0) & (point.p <= 1.0 + 1e-12)).all()


@pytest.mark.slow
def test_draws_that_are_reweighted_say_what_tracking_again_says(tracked, found, monkeypatch):
    monkeypatch.setattr(module, "RELIABLE", -np.inf)
    again = sensitivity(tracked, HORIZON, seed=2, particles=1000)
    assert all(point.method == "tracked" for point in again.points)
    compared = 0
    for one, two in zip(found.points, again.points, strict=True):
        if one.method == "reweighted":
            # The tracked change has other draws: its error counts as well.
            error = np.hypot(one.error, two.error) + 1e-3
            assert (abs(one.p - two.p) < 4.5 * error).all(), one.part
            compared += 1
    assert compared >= 4


def test_a_part_that_a_target_does_not_read_leaves_it_where_it_is(found):
    talks = [k for k, row in enumerate(found.rows) if row.asked.target == "talks"]
    base = np.asarray([found.rows[k].p for k in talks])
    moved = {p.part: abs(p.p[talks] - base).max() for p in found.points if p.scale == 2.0}
    outcomes = next(p for p in found.points if (p.part, p.scale) == ("outcomes", 2.0))
    assert moved["talks"] > 0.0
    assert (abs(outcomes.p[talks] - base) < 4.5 * outcomes.error[talks] + 1e-12).all()


def test_contraction_is_one_less_the_ratio_of_spreads(tracked, found):
    posterior, conduct = tracked, conduct_with(tracked)
    rows = {row.name: row for row in found.contraction}
    base = posterior.tree["posterior"]["onset_base"].values.ravel()
    row = rows["onset_base"]
    free = free_parameters(posterior.theory, posterior.structure)
    declared = next(p for p in free if p.name == "onset_base")
    assert row.prior_sd == pytest.approx(declared.prior.sigma, rel=1e-6)
    assert row.contraction == pytest.approx(1.0 - base.std(ddof=1) / row.prior_sd)
    assert row.mechanism == "talks" and np.isfinite([row.power_prior, row.power_likelihood]).all()
    assert any(name.startswith("strike_base[") for name in rows)
    short = contraction(posterior, conduct, power=False)
    assert [r.contraction for r in short] == [r.contraction for r in found.contraction]
    # Strikes were seen on most days, agreements hardly: the study teaches the one.
    learnt = max(r.contraction for n, r in rows.items() if n.startswith("strike_base"))
    assert learnt > 0.3 > rows["reversal_base[treaty]"].contraction


def test_other_crack_rules_are_asked_of_the_last_window(unsampled):
    rows = sensitivity(unsampled, HORIZON, seed=1, scales=()).rows
    spec = unsampled.study.spec.crack
    others = [row.asked for row in rows if not row.asked.own_rule]
    grid = {(a.threshold, a.periods) for a in others if a.target == "crack"}
    wanted = {(p, d) for p in spec.grid_thresholds for d in spec.grid_periods}
    assert grid == wanted - {(spec.threshold, spec.periods)}
    assert {a.periods for a in others if a.target == "talks_rational"} == {
        d for d in spec.grid_periods if d != spec.periods
    }
    assert len({a.by for a in others}) == 1
    # A higher threshold is crossed at least as often, a longer run at most as often.
    p = {(r.asked.side, r.asked.threshold, r.asked.periods): r.p
         for r in rows if r.asked.target == "crack" and r.asked.by == others[0].by}  # fmt: skip
    for (side, threshold, periods), value in p.items():
        for (other, more, longer), bound in p.items():
            if side == other and more >= threshold and longer <= periods:
                assert value <= bound


def test_what_cannot_be_used_is_refused_before_anything_is_simulated(unsampled, monkeypatch):
    monkeypatch.setattr(module, "forecast", None)
    with pytest.raises(StudyError, match="cannot be scaled"):
        sensitivity(unsampled, HORIZON, seed=1, scales=(0.0,))


def test_a_failed_gate_stops_it(unsampled):
    failed = replace(unsampled, report=replace(unsampled.report, passed=False, failures=("x",)))
    with pytest.raises(GateError):
        sensitivity(failed, HORIZON, seed=1, scales=())


def test_the_causes_add_up_to_the_path_draw_by_draw(unsampled):
    params, path = _flat(unsampled)
    total = np.repeat(belief.start_of(params)[..., None], path.shape[-1], axis=-1)
    moved = set()
    for cause in causes(unsampled):
        moved |= {cause.kind} if np.abs(cause.push).max() > 0 else set()
        total[:, cause.side] += np.cumsum(np.broadcast_to(cause.push, path[:, 0].shape), axis=-1)
    np.testing.assert_allclose(total, path, rtol=0.0, atol=1e-4)  # paths are single precision
    assert {"news", "shock", "quiet", "persistence", "forgetting", "unexplained"} <= moved
