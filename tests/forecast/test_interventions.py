"""What-ifs change what they say, from their date on, and nothing else."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from posteriors import FAILED, small_posterior

from beliefs import Intervention, StudyError, forecast, load_interventions, load_study
from beliefs.forecasting.summary import differences
from beliefs.model import theory as theories
from beliefs.model.structure import columns, structure_of
from beliefs.simulation.interventions import KINDS, as_table, change_columns, parse, without_effect
from beliefs.simulation.paths import check_plan

FILES = sorted((Path(__file__).parents[2] / "docs" / "interventions").glob("*.toml"))
LAST, AT = 34, 6
MORE = {
    "path": {"indicator": "price", "change": 0.5}, "turnover": {"side": "south"},
    "zone": {"zone": "hormuz"}, "attribution": {"hours": 6.0}, "spoiler": {"severity": 5.0},
    "crossing": {"side": "iran", "line": "hormuz", "severity": 5.0},
    "extension": {"days": 30.0, "mutual": True}, "concession": {"id": "no_new_restrictions"},
}  # fmt: skip
DAY = dt.date(2026, 3, 10)


def what_if(plain, kind, at, **more):
    return Intervention(kind, plain.dates[at].astype(object), **(MORE.get(kind, {}) | more))


def again(plain, *items, baselines=False):
    """The same futures with interventions, paired."""
    return forecast(
        plain.posterior, len(plain.dates), seed=plain.seed, interventions=items,
        actions=plain.action_draws is not None, allow_failed=True, baselines=baselines,
    )  # fmt: skip


def changed(plain, kind, at=AT, **more):
    return again(plain, what_if(plain, kind, at, **more))


@pytest.fixture(scope="module")
def managed(result):
    return result("managed_deescalation")


@pytest.fixture(scope="module")
def own_theory(tmp_path_factory):
    """Write a theory that differs from mutual optimism."""
    source = Path(theories.__file__).parent / "theories" / "mutual_optimism.toml"

    def write(old="", new="", more=""):
        text, own = source.read_text(), tmp_path_factory.mktemp("theory") / "own.toml"
        assert old in text
        own.write_text(text.replace(old, new) + more)
        return str(own)

    return write


@pytest.mark.parametrize(("kind", "at"), [("path", 12), ("turnover", LAST), ("escalation", 12)])
def test_an_intervention_changes_nothing_before_its_date(futures, kind, at):
    other = again(futures, what_if(futures, kind, at), baselines=True)
    for mine, plain in ((other.paths, futures.paths), (other.prior_paths, futures.prior_paths)):
        for name in ("logit_belief", "surplus", "talks"):
            before, after = getattr(plain, name), getattr(mine, name)
            np.testing.assert_array_equal(after[..., :at], before[..., :at], err_msg=name)
        assert not np.array_equal(mine.logit_belief[..., at], plain.logit_belief[..., at])


@pytest.mark.parametrize("kind", ["hotline", "zone", "concession", "mediator_leaves"])
def test_actions_change_from_its_date_on(managed, kind):
    other = changed(managed, kind)
    pairs = {name: (other.paths.events[name], v) for name, v in managed.paths.events.items()}
    for name in ("logit_belief", "talks"):
        pairs[name] = tuple(getattr(f.paths, name) for f in (other, managed))
    for name, (one, two) in pairs.items():
        np.testing.assert_array_equal(one[..., :AT], two[..., :AT], err_msg=name)
    assert not all(np.array_equal(*pair) for name, pair in pairs.items() if name != "logit_belief")


def test_a_path_is_news_to_beliefs_where_acts_are_simulated_too(result):
    plain = result("mutual_optimism")
    other = changed(plain, "path", indicator="usd_irr", change=0.3)
    moved = other.paths.logit_belief - plain.paths.logit_belief
    assert (moved[..., :AT] == 0).all()
    assert (moved[:, 0, AT] > 0).all()  # on Washington's own scorecard, whose weights are positive


def test_a_path_says_what_an_indicator_counts_whatever_the_acts(result):
    plain = result("mutual_optimism")
    day = str(plain.dates[AT])
    many, none = (
        changed(plain, "path", indicator="iran_force", change=None, values={day: value})
        for value in (60.0, 0.0)
    )
    for other in (many, none):
        moved = other.paths.logit_belief - plain.paths.logit_belief
        assert (moved[..., :AT] == 0).all() and (moved[..., AT] != 0).any()
    acted = plain.paths.events["strikes"][:, 1, AT] > 0
    quiet = none.paths.logit_belief[..., AT] == plain.paths.logit_belief[..., AT]
    assert acted.any() and quiet[~acted].all()  # nothing is what it counts where nobody acts
    # On Tehran's own scorecard, whose weights are positive; what is drawn of acts stays.
    assert (many.paths.logit_belief[:, 1, AT] > none.paths.logit_belief[:, 1, AT]).all()
    for name, values in plain.paths.events.items():
        np.testing.assert_array_equal(many.paths.events[name][..., AT], values[..., AT])


def test_a_path_moves_the_cost_that_its_indicator_is(futures):
    """The price is what a side pays: a rise that stays costs from its day on, every day."""
    posterior = futures.posterior
    inputs, n = posterior.inputs, int(posterior.inputs.active.sum())
    structure, k = structure_of(inputs), inputs.indicators.index("price")
    plain = {"cost": columns(inputs)["cost"][None, ..., n - 8 : n]}
    item, none = what_if(futures, "path", 5, change=0.01), np.zeros((1, len(inputs.indicators), 8))
    found, _ = change_columns(
        [item], posterior.study, inputs, structure, plain, none, futures.dates[:8]
    )
    step = np.log(1.01) / inputs.level_scale[k] * (np.arange(8) >= 5)
    assert k in {term.indicator for term in structure.cost_terms}
    want = [term.sign * step * (term.indicator == k) for term in structure.cost_terms]
    np.testing.assert_allclose((found["cost"] - plain["cost"])[0], want, atol=1e-12)


def test_a_waiver_closes_the_gap_where_a_theory_has_one(rich_folder, own_theory):
    theory = own_theory('"sequencing_gap", "waiver_cut", ', "")
    posterior = small_posterior(rich_folder, theory, size=(2, 50), report=FAILED)
    how = {"allow_failed": True, "actions": False, "baselines": False}
    plain = forecast(posterior, 14, seed=1, **how)
    day = plain.dates[8].astype(object)
    brief = Intervention("waiver", day, until=day + dt.timedelta(days=2))
    plans = [], [Intervention("waiver", day)], [brief]
    none, open_, short = (again(plain, *items).paths.surplus for items in plans)
    np.testing.assert_array_equal(open_[:, :8], none[:, :8])
    assert (open_[:, 8:] >= none[:, 8:]).all() and (open_[:, 8:] > none[:, 8:]).any()
    np.testing.assert_array_equal(short[:, 11:], none[:, 11:])
    np.testing.assert_array_equal(short[:, :11], open_[:, :11])


@pytest.fixture(scope="module")
def jump_after(rich_folder, own_theory):
    """Return the change of belief on the day of an escalation, (sample, side), under a theory."""

    def ask(**theory):
        mine = own_theory(**theory)
        posterior = small_posterior(rich_folder, mine, size=(2, 50), report=FAILED)
        how = {"allow_failed": True, "actions": False, "baselines": False}
        plain = forecast(posterior, 5, seed=1, **how)
        moved = changed(plain, "escalation", 2).paths.logit_belief - plain.paths.logit_belief
        assert (moved[..., :2] == 0).all()
        return moved[..., 2]

    return ask


def test_the_jump_of_an_unseen_shock_has_the_spread_of_the_users_prior(jump_after):
    spread = 0.05
    prior = f'\n[priors.shock_jump]\ndist = "Normal"\nmu = 0.25\nsigma = {spread}\n'
    moved = jump_after(more=prior)
    assert moved.std() == pytest.approx(spread, rel=0.2)
    assert moved.mean() == pytest.approx(0.25, abs=5 * spread / np.sqrt(moved.size))


@pytest.mark.parametrize(
    ("old", "new"), [("null = [", 'null = ["shock_jump", '), ('"shocks", ', "")],
    ids=["held at its null value", "its mechanism is off"],
)  # fmt: skip
def test_an_unseen_shock_does_not_move_a_belief_that_the_theory_says_no_shock_moves(
    jump_after, old, new
):
    assert (jump_after(old=old, new=new) == 0).all()


def test_an_act_at_a_red_line_happens_in_every_future(managed):
    other = changed(managed, "crossing")
    assert other.paths.events["crossing"][:, 1, AT].all()
    one, two = (f.paths.events["strikes"][:, :, AT] for f in (other, managed))
    assert (one[:, 1] == two[:, 1] + 1).all() and (one[:, 0] == two[:, 0]).all()
    rows = differences(other, managed)
    assert {"signed", "war", "breach", "no_crossing"} <= {r["target"] for r in rows}
    crossed = [r for r in rows if r["target"] == "no_crossing"]
    assert all(r["p"] == 0.0 and r["difference"] <= 0.0 for r in crossed)


@pytest.mark.parametrize(("mutual", "code"), [(True, 3), (False, 2)])
def test_a_truce_that_stands_is_extended_on_the_day_and_keeps_its_new_deadline(
    managed, mutual, code
):
    other, ended = changed(managed, "extension", mutual=mutual), managed.paths.events["ended"]
    stood = (ended[:, : AT + 1] == 0).all(axis=1)
    assert (other.paths.events["ended"][stood, AT] == code).all() and stood.sum() > 100
    lapsed = np.argwhere(other.paths.events["ended"][stood] == 1)[:, 1]
    assert (lapsed > 9).all()  # not at the old deadline any more
    assert (np.argwhere(ended[stood] == 1)[:, 1] == 9).any()


@pytest.mark.parametrize(
    ("one", "other", "parameter"),
    [
        (("hotline", {"at": 0}), None, "hotline_effect"),
        # A quick attribution closes what an attack opens.
        (("spoiler", {"hours": 480.0}), ("spoiler", {"hours": 1.0}), "attribution_gap"),
    ],
)
def test_collapse_rises_or_falls_by_the_parameter_of_the_what_if(managed, one, other, parameter):
    found = [managed if ask is None else changed(managed, ask[0], **ask[1]) for ask in (one, other)]
    collapsed = [(f.paths.events["ended"] == 5).any(axis=1).astype(float) for f in found]
    effect = managed.action_draws.posterior[parameter]
    assert np.cov(collapsed[0] - collapsed[1], effect)[0, 1] > 0.0


def test_a_theory_that_holds_a_mechanism_at_null_says_so_and_changes_nothing(result):
    plain = result("mutual_optimism")
    other = changed(plain, "hotline")
    for name, values in plain.paths.events.items():
        np.testing.assert_array_equal(other.paths.events[name], values, err_msg=name)
    theory, structure = plain.posterior.theory, plain.posterior.structure
    said = without_effect(theory, structure, other.interventions)
    assert len(said) == 1 and "hotline_effect at null" in said[0]
    free = theories.load_theory("managed_deescalation")
    assert without_effect(free, structure, other.interventions) == []
    alone = without_effect(free, structure, other.interventions, actions=False)
    assert "not simulated" in alone[0]


def test_the_error_of_a_difference_respects_that_draws_hang_together(futures):
    """Draws that come in runs of equal ones tell less than as many independent ones."""
    n, rng = futures.paths.talks.shape[0], np.random.default_rng(3)
    runs = np.repeat(rng.random(n // 20) < 0.5, 20)
    shuffled, blank = rng.permutation(runs), np.zeros_like(futures.paths.talks)

    def held(talks):
        return replace(futures, paths=replace(futures.paths, talks=talks))

    def error(happened):
        talks = np.column_stack([happened, blank[:, 1:]])
        rows = [r for r in differences(held(talks), held(blank)) if r["target"] == "talks"]
        assert all(r["difference"] == pytest.approx(happened.mean(), abs=1e-6) for r in rows)
        return rows[0]["mcse"]

    independent = np.sqrt(runs.mean() * (1 - runs.mean()) / n)
    assert error(shuffled) == pytest.approx(independent, rel=0.3)
    assert error(runs) > 3 * independent


def test_a_paired_difference_is_surer_than_two_unpaired_forecasts(futures):
    found = differences(changed(futures, "path", 5), futures)
    rows = {(r["target"], r["side"], r["by"]): r for r in found}
    assert {target for target, *_ in rows} == {"crack", "crack_first", "talks_rational", "talks"}
    for row in rows.values():
        assert row["difference"] == pytest.approx(row["p"] - row["without"], abs=2e-6)
    row = rows["crack", "south", str(futures.dates[29])]
    spread = row["p"] * (1 - row["p"]) + row["without"] * (1 - row["without"])
    assert 0 < row["difference"] and row["mcse"] < np.sqrt(spread / len(futures.paths.talks))


def test_there_is_an_example_of_every_kind_and_each_can_be_used():
    study, kinds = load_study("us-iran-2026"), set()
    for file in FILES:
        items = load_interventions(file)
        check_plan(study, 90, items)
        kinds |= {item.kind for item in items}
        assert [parse("here", as_table(item)) for item in items] == list(items)
    assert kinds == set(KINDS)


HEAD = "[[intervention]]\ndate = 2026-03-10\nkind = "
PATH = HEAD + '"path"\nindicator = "price"\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (HEAD + '"pathh"', "pathh"),
        ('[[intervention]]\nkind = "waiver"\ndate = "2026-W11-2"', "date"),
        ('[[intervention]]\nkind = "waiver"\ndate = 2026-03-10T00:00:00Z', "zone"),
        (PATH + "chance = 0.3", "chance"),
        (PATH + "change = ", "line 5"),
        (PATH + 'values = { "soon" = 150.0 }', "soon"),
        (PATH + "change = -1.5", "change"),  # a price below 0
        (HEAD + '"waiver"\nuntil = 2026-03-01', "before date"),
        (HEAD + '"zone"', "needs its zone"),
        (HEAD + '"attribution"\nhours = -1', "hours"),
        (HEAD + '"spoiler"\nseverity = 9', "severity"),
        (HEAD + '"hotline"\nside = "us"', "no such key"),
    ],
)
def test_a_mistake_in_a_table_is_named(tmp_path, text, named):
    file = tmp_path / "what_if.toml"
    file.write_text(text + "\n")
    with pytest.raises(StudyError) as caught:
        load_interventions(file)
    error = caught.value
    assert named in f"{error.where} {error.found} {error}" and error.fix
    assert "what_if.toml" in error.where


@pytest.mark.parametrize(
    ("horizon", "asked", "named"),
    [
        (0, None, "horizon"),
        (35, {"kind": "waiver", "date": dt.date(2027, 1, 1)}, "outside the forecast"),
        (35, {"kind": "turnover", "side": "east"}, "east"),
        (35, {"kind": "path", "indicator": "price"}, "neither"),
        (35, {"kind": "path", "indicator": "poll", "change": 0.1}, "logit"),
        (35, {"kind": "path", "indicator": "price", "values": {str(DAY): -1.0}}, "does not fit"),
    ],
)
def test_a_plan_is_refused_without_a_posterior(rich_folder, horizon, asked, named):
    items = [Intervention(**({"date": DAY} | asked))] if asked else []
    with pytest.raises(StudyError, match=named):
        check_plan(load_study(rich_folder), horizon, items)
