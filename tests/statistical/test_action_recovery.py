"""Parameters of actions are found again in studies drawn from them.

A posterior that equals its prior covers as well as any; so each test also asks that the data moved
the parameters that such a study can tell.
"""

import numpy as np
import pytest
from action_recovery import STUDIES, design, recover

from beliefs.model import priors as pz
from beliefs.model.mechanisms import accidents, diplomacy, outcomes, reciprocity, redlines, truce
from beliefs.model.observation import draw
from beliefs.study.tables.codebook import CONFLICT_PHASES

pytestmark = pytest.mark.statistical

# Under the declared priors one study in twelve feeds on itself without end.
CALMER = {"log_excite_own": pz.Normal(-2.5, 0.5), "log_excite_cross": pz.Normal(-1.7, 0.4)}


LEARNT = 0.2  # contraction of the prior: twice what a claim needs to be judged at all


def check(found, *result, **least):
    """Intervals cover, and the data moved the parameters that such a study can tell."""
    assert not found.missed()
    least |= dict.fromkeys(result or (() if least else found.contraction), LEARNT)
    assert all(found.contraction[n] > value for n, value in least.items()), found.contraction


def named(module, *names):
    return [factor for factor in module.FACTORS if factor.name in names]


def drawn(made, module, name, rng, size=None, columns=None):
    """What a factor's linear predictor draws, (STUDIES, ..., time)."""
    seen = made.columns if columns is None else columns
    factor = named(module, name)[0]
    eta = factor.predictor(np, made.truth, seen, made.structure)
    return draw(rng.random(eta.shape), factor.family, eta, size)


def strikes(made, rng):
    """Counts, period by period: every act leaves a decaying sum that later ones answer."""
    n_time = made.structure.n_time
    counts, recent = np.zeros((STUDIES, 2, n_time)), np.zeros((STUDIES, 2, n_time))
    acts, warned = (np.zeros((STUDIES, 2, 5, n_time)) for _ in range(2))
    decayed, fading = np.zeros((STUDIES, 2)), np.zeros((STUDIES, 2))
    size = reciprocity.size_of(np, made.truth)
    share = reciprocity.kept(np, made.truth, made.structure)[:, None]
    for t in range(n_time):
        recent[..., t] = np.log1p(fading)
        state = made.state(t) | {"decayed": decayed, "own_recent": recent[..., t]}
        eta = reciprocity.rates(made.truth, state, made.structure, ["strikes_A", "strikes_B"])
        for side, name in enumerate(("strikes_A", "strikes_B")):
            counts[:, side, t] = draw(rng.random(STUDIES), "negbin_log", eta[name], size, 500)
        acts[..., t] = rng.multinomial(counts[..., t].astype(int), [0.1, 0.2, 0.3, 0.3, 0.1])
        warned[..., t] = rng.binomial(acts[..., t].astype(int), 0.3)
        marks = reciprocity.mark(np, made.truth, acts[..., t : t + 1], warned[..., t : t + 1])
        decayed = reciprocity.next_decayed(decayed, marks[..., 0], share)
        fading = np.exp(-1.0 / 3.0) * fading + counts[..., t]
    assert counts.max() < 500.0  # nothing was cut off
    return {
        "strike_count": counts, "strike_by_severity": acts, "warned_by_severity": warned,
        "own_recent": recent,
    }  # fmt: skip


def test_rates_of_strikes_and_replies_are_recovered():
    factors = [f for f in reciprocity.FACTORS if f.name != "severity"]
    # A seed without a study that is cut off; what was drawn says so, thus intervals still cover.
    made = design(factors, seed=4, priors=CALMER)
    found = recover(made, factors, strikes(made, np.random.default_rng(4)))
    check(found, strike_base=0.6, instrument_rate=0.3, log_dispersion=0.2, valve=0.2)


def test_severities_of_replies_are_recovered():
    factors = named(reciprocity, "severity")
    made, rng = design(factors, seed=3), np.random.default_rng(4)
    n = made.columns["strike_count"]
    spread = np.exp(made.truth["log_severity_spread"])[:, None, None] / np.sqrt(np.maximum(n, 1.0))
    mean = reciprocity.severity_mean(made.truth, made.columns)
    drawn = (mean + spread * rng.normal(size=mean.shape)) * (n > 0)
    found = recover(made, factors, {"severity_log": drawn})
    assert not found.missed()
    assert min(found.contraction.values()) > 0.5, found.contraction


def test_accidents_are_recovered():
    made, rng = design(accidents.FACTORS, seed=5), np.random.default_rng(6)
    seen, n_time = made.columns, made.structure.n_time
    acts = seen["breach_own"] + seen["breach_other"]
    rates = [accidents.rates(made.truth, made.state(t), made.structure) for t in range(n_time)]
    eta = {name: np.stack([r[name] for r in rates], axis=-1) for name in rates[0]}
    other = draw(rng.random(eta["cause"].shape), "binomial_logit", eta["cause"], acts)
    disobeyed = draw(rng.random(eta["command"].shape), "cloglog", eta["command"])
    excluded = draw(rng.random(eta["excluded"].shape), "poisson_log", eta["excluded"])
    seen = {"breach_other": other, "breach_own": acts - other, "disobeyed": disobeyed}
    found = recover(made, accidents.FACTORS, seen | {"excluded_count": excluded})
    check(found, exogenous_disruption=0.7, command_control=0.5, exclusion_base=0.7)


def test_crossings_of_red_lines_are_recovered():
    made, rng = design(redlines.FACTORS, seed=7), np.random.default_rng(8)
    touched = made.columns["line_touch"]
    eta = redlines.rates(made.truth, {}, made.structure)["crossing"][..., None]
    crossed = draw(rng.random((STUDIES, *touched.shape)), "binomial_logit", eta, touched)
    check(recover(made, redlines.FACTORS, {"line_cross": crossed}), crossing=0.6)


def test_breach_collapse_and_resolution_are_recovered():
    factors, rng = named(truce, "breach", "collapse", "resolve"), np.random.default_rng(11)
    made = design(factors, seed=10, n_time=500)
    breach = drawn(made, truce, "breach", rng)
    collapsed = drawn(made, truce, "collapse", rng, columns=made.columns | {"breach": breach})
    resolved = drawn(made, truce, "resolve", rng) * (1.0 - collapsed)
    end = truce.COLLAPSED * collapsed + truce.RESOLVED * resolved
    found = recover(made, factors, {"breach": breach, "truce_end": end})
    check(found, "breach_base", "resolve_base", "shelf_life", "deadline_effect")


def test_deals_their_form_and_reversals_are_recovered():
    factors, rng = named(outcomes, "deal", "form", "reversal"), np.random.default_rng(15)
    made = design(factors, seed=14, n_time=700)
    deals = made.columns["deal_signed"] + made.columns["deal_unsigned"]
    signed = drawn(made, outcomes, "form", rng, size=deals)
    live = made.columns["scope_live"]
    once = {"deal": drawn(made, outcomes, "deal", rng), "deal_signed": signed}
    ended = drawn(made, outcomes, "reversal", rng, size=live)
    found = recover(made, factors, once | {"deal_unsigned": deals - signed, "scope_ended": ended})
    check(found, "signature_cost", "reversal_base", "turnover_termination")


def test_shares_of_how_windows_end_are_recovered():
    factors, rng = named(outcomes, "kind"), np.random.default_rng(17)
    made = design(factors, seed=16, n_time=1500)
    truth = {name: values[:, None] for name, values in made.truth.items()}
    shares = np.stack(outcomes.kind_shares(truth, made.columns["has_deadline"]), axis=-1)
    kind = 1 + (rng.random((*shares.shape[:-1], 1)) > np.cumsum(shares, axis=-1)).sum(axis=-1)
    kind = np.minimum(kind, len(outcomes.KINDS)) * (made.columns["end_kind"] > 0)
    check(recover(made, factors, {"end_kind": kind}))


@pytest.mark.parametrize(
    ("module", "name", "column", "seed"),
    [(truce, "zones", "zone_count", 12), (outcomes, "periphery", "peripheral_count", 18)],
)
def test_acts_by_zone_and_harm_to_third_parties_are_recovered(module, name, column, seed):
    factors, rng = named(module, name), np.random.default_rng(seed + 1)
    made = design(factors, seed=seed)
    check(recover(made, factors, {column: drawn(made, module, name, rng)}))


def climbed(made, rng):
    """Conflict phases as one-hot columns, (STUDIES, conflict phase, time), started in friction."""
    n_time, n = made.structure.n_time, len(CONFLICT_PHASES)
    moves = [outcomes.moves(np, made.truth, phase, made.structure) for phase in range(n)]
    out = np.zeros((STUDIES, n, n_time))
    for study in range(STUDIES):
        phase = CONFLICT_PHASES.index("friction")
        for t in range(n_time):
            stay, step, leap, _ = (float(p[study]) for p in moves[phase])
            move = int(np.searchsorted(np.cumsum([stay, step, leap]), rng.random()))
            if move == 3:
                phase = int(rng.integers(0, phase))
            elif move:
                above = [r for r in range(phase + 1, n) if outcomes.skips(phase, r) == (move == 2)]
                phase = int(rng.choice(above))
            out[study, phase, t] = 1.0
    return out


def test_hazards_of_the_phases_are_recovered():
    factors, rng = named(outcomes, "conflict_phase"), np.random.default_rng(21)
    made = design(factors, seed=20, n_time=4000)
    check(recover(made, factors, {"conflict_phase_on": climbed(made, rng)}))


def test_concessions_replies_sanctions_and_walkouts_are_recovered():
    factors, rng = diplomacy.FACTORS, np.random.default_rng(23)
    made = design(factors, seed=22)
    replies = made.columns["reply_yes"] + made.columns["reply_no"]
    yes = drawn(made, diplomacy, "reply", rng, size=replies)
    once = {n: drawn(made, diplomacy, n, rng) for n in ("concession", "sanction", "walkout")}
    found = recover(made, factors, {"reply_yes": yes, "reply_no": replies - yes, **once})
    result = ("concession_base", "reply_base", "price_discovery", "sanction_base", "walkout_base")
    check(found, *result)
