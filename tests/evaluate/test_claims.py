"""Claims are functions of draws: each has a test, none is presumed, all are judged and scored."""

import string
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import gammaln

from beliefs import build_inputs, load_study
from beliefs.evaluation.backtest.questions import Question
from beliefs.evaluation.claims import evidence
from beliefs.evaluation.claims import verdicts as rule
from beliefs.evaluation.claims.evidence import ROLES, Draws, Finding, Score, Seen, crack_share
from beliefs.features.inputs import blank
from beliefs.forecasting.targets import TARGETS
from beliefs.inference.smc.blocks import track_blocks
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model import theory as theories
from beliefs.model.priors import check_priors
from beliefs.model.structure import action_columns, columns, structure_of, until
from beliefs.model.system import factors_of
from beliefs.model.theory import BARE, declared, free_parameters, judged
from beliefs.study.tables.codebook import CONFLICT_PHASES

CLAIMS = {claim.id: claim for claim in rule.load_claims()}


class Place:
    """A study as claims read it."""

    def __init__(self, name):
        inputs = build_inputs(load_study(name))
        n = int(inputs.active.sum())
        self.structure = structure_of(inputs)
        whole = columns(inputs)
        inside = whole["cell_time"] < n
        cells = {k: v[inside] for k, v in whole.items() if k.startswith("cell_")}
        self.columns = until(whole, n) | cells | until(action_columns(inputs), n)
        self.seen = Seen(self.columns, self.structure)

    def draws(self, theory, **arrays):
        arrays = {k: np.asarray(v, dtype=float) for k, v in arrays.items()}
        return Draws(arrays, judged(theory), self.structure, self.columns)


@pytest.fixture(scope="module")
def place():
    return Place("us-iran-2026")


def test_every_stated_claim_has_a_test():
    assert len(CLAIMS) == 56
    known = declared(BARE, None)
    observables = {f.name for f in factors_of(None)}
    for claim in CLAIMS.values():
        assert set(claim.null) <= set(known) and set(claim.score) <= observables, claim.id
        check_priors(claim.fixed, known, claim.id)
        assert ("forecast" in claim.kind) == (claim.forecasts is not None), claim.id
        assert claim.forecasts is None or claim.forecasts[0] in TARGETS, claim.id


def test_no_prior_presumes_the_answer_and_every_sentence_can_be_said(place):
    structure = place.structure
    for name in dict.fromkeys(claim.theory for claim in CLAIMS.values()):
        theory = judged(name)
        free = [p for p in theories.free_parameters(theory, structure) if p.name != "innovation"]
        known = coordinates_of([*free, *free_parameters(theory, structure, "actions")], structure)
        scores = np.random.default_rng(1).standard_normal((4000, known.size))
        share = np.linspace(0.0, 1.0, 100)
        draws = place.draws(name, **known.params(scores), jump_share=share)
        for claim in CLAIMS.values():
            if claim.theory != name:
                continue
            result = claim.test(draws)
            said = {word for _, word, _, _ in string.Formatter().parse(claim.text["says"]) if word}
            shown = {f"{n}{end}" for n in result.shown for end in ("", "_low", "_high")}
            assert said <= {*shown, *ROLES, "p"}, claim.id
            assert (result.held is None) == (claim.kind == ("forecast",)), claim.id
            if result.held is not None:
                assert 0.02 < result.held.mean() < 0.98, claim.id
                assert min(v.std(axis=0).min() for v in result.of) > 0.0, claim.id


def shown(place, claim, **arrays):
    result = CLAIMS[claim].test(place.draws(CLAIMS[claim].theory, **arrays))
    return {name: values[0] for name, values in result.shown.items()}


def test_what_claims_show_follows_from_parameters(place):
    weeks = shown(place, "C23", retention=[[0.5, 0.5]])["weeks"]
    assert weeks == pytest.approx(1.0)
    ends = shown(place, "C50", lapse_share=[0.2], unilateral_share=[0.5], mutual_share=[0.75])
    assert ends == pytest.approx({"lapse": 0.2, "one": 0.4, "two": 0.3, "deal": 0.1})
    rates = {"deal_base": [np.log(0.1)], "walkout_base": [0.0], "process_share": [0.5]}  # a week
    month = shown(place, "C25", **rates)
    assert month["deal"] == pytest.approx(1.0 - np.exp(-0.1 * 30.0 / 7.0))
    rates = shown(place, "C24", crossing=[[0.0, np.log(3.0)]])
    assert rates == pytest.approx({"one": 0.5, "two": 0.75})
    days = shown(place, "C32", command_control=[[0.0, np.log(4.0)]])
    assert days == pytest.approx({"one": 0.5, "two": 0.8})


def test_the_share_of_shocks_in_a_crack():
    # One side falls from 1 to -1 in two steps, of which the shock makes up the second half.
    path = np.full((2, 2, 8), 1.0)
    path[0, 0] = [1.0, 1.0, 1.0, 0.0, -1.0, -1.0, -1.0, -1.0]
    jump = np.zeros((2, 2, 8))
    jump[0, 0, 4] = -1.0
    share = crack_share(path, jump, 0.0, run=3, window=14)
    assert share[0] == pytest.approx(0.5)
    assert np.isnan(share[1])  # nobody cracked
    assert crack_share(path, 3.0 * jump, 0.0, run=3, window=14)[0] == 1.0  # not more than all
    assert crack_share(path, -jump, 0.0, run=3, window=14)[0] == 0.0  # a shock that lifted it
    assert np.isnan(crack_share(path, jump, 0.0, run=5, window=14)[0])  # it did not last


def blocks_of(particles):
    """Strikes, severities and crossings of the theory of the status quo."""
    names = ("strikes_A", "strikes_B", "crossing", "severity")
    study = load_study("us-iran-2026", as_of="2026-05-31")
    return track_blocks(study, judged("status_quo"), particles=particles, seed=1, only=names)


def added(blocks, particles=400, **changes):
    claim = replace(CLAIMS["C19"], **changes)
    return evidence.ablations([claim], blocks, particles=particles, say=print)[claim.id]


def test_a_part_that_is_a_whole_observable_leaves_its_null_prediction():
    tracked = blocks_of(400)
    gain = added(tracked, null=("crossing",), score=("crossing",))
    cols, n = tracked.columns, tracked.n_time
    touched = (cols["line_touch"] * cols["strikes_seen"])[:, :n].sum()
    with_part = np.nansum(tracked.predictive()["crossing"])
    t, c = (cols[k][:, :n] * cols["strikes_seen"][:n] for k in ("line_touch", "line_cross"))
    ways = (gammaln(t + 1) - gammaln(c + 1) - gammaln(t - c + 1)).sum()
    coin = ways - touched * np.log(2.0)  # an act crosses a line or not, like a coin
    assert gain.method == "rerun" and gain.gain.sum() == pytest.approx(with_part - coin)


@pytest.mark.slow
def test_density_at_absence_agrees_with_a_track_without_the_part():
    tracked = blocks_of(1500)  # with 400 the track alone varies by 0.7 from seed to seed
    for name in ("talk_strike_tempo", "valve"):
        rerun = added(tracked, 1500, null=(name,))
        density = added(tracked, null=(), contrast=True, test=lambda d, n=name: Finding(None, d[n]))
        assert density.method == "density"
        assert density.gain.sum() == pytest.approx(rerun.gain.sum(), abs=0.4)
        np.testing.assert_array_equal(density.seen, rerun.seen)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"p": 0.97}, "supported"),
        ({"p": 0.03}, "contradicted"),
        ({"p": 0.6}, "undecided"),
        ({"p": 0.97, "p_prior": 0.95}, "undecided"),  # the prior said so already
        ({"p": 0.89, "p_prior": 0.1}, "undecided"),  # moved far, and is not there yet
        ({"p": 0.97, "contraction": 0.09}, rule.UNLEARNABLE),
        ({"p": 0.97, "contraction": rule.CONTRACTION}, "supported"),
        ({"p": 0.97, "doubt": "two tracks disagree"}, "undecided"),
        ({"p": 0.97, "ablation": True, "delta": 0.1}, "supported"),
        ({"p": 0.97, "ablation": True, "delta": -0.1}, "undecided"),
        ({"p": 0.06, "limits": (0.05, 0.01)}, "supported"),
        ({"p": 0.005, "limits": (0.05, 0.01)}, "contradicted"),
    ],
)
def test_the_rule(seen, expected):
    seen = {"p": 0.5, "p_prior": 0.5, "contraction": 0.5, **seen}
    moved = rule.log_odds_ratio(seen["p"], seen.pop("p_prior"), 1000)
    assert rule.decide(**seen, moved=moved)[0] == expected


@pytest.mark.parametrize(
    ("mean", "half", "n", "observed", "expected"),
    [
        (0.0, 0.0, 0, 0, rule.UNLEARNABLE),
        (0.4, np.nan, 9, 9, "undecided"),  # nine forecasts decide nothing
        (0.4, 0.3, 12, 12, "supported"),
        (0.4, 0.3, 12, 6, "undecided"),  # well forecast, but it hardly came
        (-0.4, 0.3, 12, 12, "contradicted"),
        (0.1, 0.3, 12, 12, "undecided"),
    ],
)
def test_a_claim_about_forecasts_alone_is_judged_by_its_score(mean, half, n, observed, expected):
    rows = tuple(("", k < observed, 0.5, 0.5) for k in range(n))
    score = Score("deal", 30, rows, mean, mean - half, mean + half)
    assert rule.decide(score=score)[0] == expected


N = 20
WAR, TRUCE = CONFLICT_PHASES.index("open_war"), CONFLICT_PHASES.index("truce")


def past(**changes):
    """Twenty periods of truce in which everything was watched and nothing happened."""
    quiet, on = blank(N), np.ones(N, dtype=bool)
    watched = "strikes_seen", "truce_seen", "ends_seen", "deal_seen", "conflict_phase_seen"
    base = {"conflict_phase": np.full(N, TRUCE)} | dict.fromkeys(watched, on)
    for name, (place, value) in changes.items():
        array = np.array(base.get(name, getattr(quiet, name)))
        array[..., place] = value
        base[name] = array
    seen = replace(quiet, **base)
    always = dict.fromkeys(("truce", "acts_known", "ends_known", "deadline", "deals_watched"), on)
    war = seen.conflict_phase == WAR
    study = SimpleNamespace(spec=SimpleNamespace(redlines=()))
    return SimpleNamespace(observed=seen, at_war=war, before=lambda _: on, study=study, **always)


@pytest.mark.parametrize(
    ("target", "changes", "happened"),
    [
        ("deal", {}, False),
        ("deal", {"deal": (12, 1.0)}, True),
        ("deal", {"deal": (15, 1.0)}, False),  # a period too late
        ("neither", {"deal_signed": (10, 1.0)}, False),
        ("neither", {"deal_unsigned": (10, 1.0)}, True),
        ("neither", {"conflict_phase": (14, WAR)}, False),
        ("no_crossing", {"line_cross": (11, 1.0)}, False),
        ("no_collapse", {"truce_end": (13, 1)}, False),
        ("no_collapse", {"truce_end": (13, 2)}, True),
        ("extension", {"end_kind": (12, 2)}, True),
        ("extension", {"end_kind": (12, 4)}, False),
        ("cluster", {"strike_count": (12, 2.0)}, False),
        ("cluster", {"strike_count": (12, 2.5)}, True),  # five of both sides
    ],
)
def test_what_happened_is_looked_up(target, changes, happened):
    hit, seen, may = (np.asarray(v) > 0 for v in TARGETS[target].label(past(**changes), "any"))
    question = Question(target, None, hit, seen, may)
    assert ((question.first(10, 5) <= 5) != question.negated) is happened


def test_scores_are_differences_of_logs_of_what_came():
    rows = (("2026-01-01", True, 0.8, 0.4), ("2026-02-01", False, 0.8, 0.6))
    found = evidence.score_of("deal", 30, rows * 5, np.random.default_rng(1))
    assert found.mean == pytest.approx((np.log(2.0) + np.log(0.5)) / 2.0, abs=2e-3)
    assert found.low < found.mean < found.high
    assert found.n == 10 and found.observed == 0.5
    few = evidence.score_of("deal", 30, rows * 4, np.random.default_rng(1))
    assert few.mean == pytest.approx(found.mean)
    assert few.as_dict()["low"] is None and few.as_dict()["high"] is None
