"""What-ifs change what they say, from their date on, and nothing else."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.forecasting.compare import differences
from beliefs.forecasting.forecast import forecast
from beliefs.simulation.interventions import Intervention, as_table, load_interventions, parse
from beliefs.simulation.paths import check_plan
from beliefs.study.load import load_study

LAST = 34
KINDS = {
    "path": {"indicator": "price", "change": 0.5},
    "waiver": {},
    "turnover": {"side": "south"},
    "escalation": {},
}


def what_if(futures, kind, at, **more):
    day = dt.date.fromisoformat(str(futures.dates[at]))
    return Intervention(kind=kind, date=day, **(KINDS[kind] | more))


def with_it(futures, *items):
    return forecast(
        futures.posterior, futures.dates.size, seed=futures.seed, interventions=items, actions=False
    )


@pytest.mark.parametrize("kind", ["path", "turnover", "escalation"])
@pytest.mark.parametrize("at", [12, LAST])
def test_an_intervention_changes_nothing_before_its_date(futures, kind, at):
    bent = with_it(futures, what_if(futures, kind, at))
    for paths, plain in ((bent.paths, futures.paths), (bent.prior_paths, futures.prior_paths)):
        for name in ("logit_belief", "surplus", "talks"):
            before, after = getattr(plain, name), getattr(paths, name)
            np.testing.assert_array_equal(after[..., :at], before[..., :at], err_msg=name)
        assert not np.array_equal(paths.logit_belief[..., at], plain.logit_belief[..., at])


def test_the_largest_rise_is_the_best_news_to_a_side_that_keeps_score_by_it(futures):
    bent = with_it(futures, what_if(futures, "path", 5))
    moved = bent.paths.logit_belief[:, 0, 5] - futures.paths.logit_belief[:, 0, 5]
    assert (moved >= 0).all() and moved.mean() > 0  # own weights are never negative
    fall = with_it(futures, what_if(futures, "path", 5, change=-0.4))
    assert ((fall.paths.logit_belief - futures.paths.logit_belief)[:, 0, 5] <= 0).all()


def test_a_turnover_without_its_jump_pulls_its_own_side_towards_its_level(futures, monkeypatch):
    from beliefs.simulation import effects

    real = effects.change_columns

    def without_jumps(*arguments, **named):
        *rest, jumps = real(*arguments, **named)
        return *rest, np.zeros_like(jumps)

    monkeypatch.setattr("beliefs.simulation.paths.change_columns", without_jumps)
    bent = with_it(futures, what_if(futures, "turnover", 0))
    moved = bent.paths.logit_belief[..., 0] - futures.paths.logit_belief[..., 0]
    level = futures.posterior.tree["posterior"]["belief_mean"].values.reshape(-1, 2)
    distance = level - futures.paths.history_belief[..., -1]
    assert (moved[:, 0] == 0).all()
    assert (moved[:, 1] * distance[:, 1] >= -1e-12).all() and (moved[:, 1] != 0).mean() > 0.9


def test_a_waiver_closes_the_gap_where_a_theory_has_one(rich_folder, tmp_path):
    from posteriors import small_posterior

    from beliefs.model import theory

    source = (theory.Path(theory.__file__).parent / "theories" / "mutual_optimism.toml").read_text()
    own = tmp_path / "gap.toml"
    own.write_text(source.replace('"sequencing_gap", "waiver_cut", ', ""))
    posterior = small_posterior(rich_folder, str(own))
    plain = forecast(posterior, 20, seed=1, actions=False)
    day = dt.date.fromisoformat(str(plain.dates[8]))
    bent = forecast(
        posterior, 20, seed=1, interventions=[Intervention("waiver", day)], actions=False
    )
    np.testing.assert_array_equal(bent.paths.surplus[:, :8], plain.paths.surplus[:, :8])
    assert (bent.paths.surplus[:, 8:] >= plain.paths.surplus[:, 8:]).all()
    assert (bent.paths.surplus[:, 8:] > plain.paths.surplus[:, 8:]).any()
    until = Intervention("waiver", day, until=day + dt.timedelta(days=2))
    short = forecast(posterior, 20, seed=1, interventions=[until], actions=False)
    np.testing.assert_array_equal(short.paths.surplus[:, 11:], plain.paths.surplus[:, 11:])
    np.testing.assert_array_equal(short.paths.surplus[:, :11], bent.paths.surplus[:, :11])


@pytest.fixture(scope="module")
def jump_after(rich_folder, tmp_path_factory):
    """Return the change of belief on the day of an escalation, (sample, side), under a theory."""
    from posteriors import small_posterior

    from beliefs.model import theory

    source = (theory.Path(theory.__file__).parent / "theories" / "mutual_optimism.toml").read_text()

    def ask(change=("", ""), more=""):
        own = tmp_path_factory.mktemp("theory") / "own.toml"
        assert change[0] in source
        own.write_text(source.replace(*change) + more)
        posterior = small_posterior(rich_folder, str(own), size=(2, 50))
        day = dt.date.fromisoformat(str(posterior.origin)) + dt.timedelta(days=3)
        plain, bent = (
            forecast(posterior, 5, seed=1, interventions=items, allow_failed=True, actions=False)
            for items in ((), [Intervention("escalation", day)])
        )
        at = int(np.flatnonzero(plain.dates == np.datetime64(day))[0])
        moved = bent.paths.logit_belief - plain.paths.logit_belief
        assert (moved[..., :at] == 0).all()
        return moved[..., at]

    return ask


@pytest.mark.parametrize("spread", [0.5, 1e-6])
def test_the_jump_of_an_unseen_shock_has_the_spread_of_the_users_prior(jump_after, spread):
    prior = f'\n[priors.shock_jump]\ndist = "Normal"\nmu = 0.25\nsigma = {spread}\n'
    moved = jump_after(more=prior)
    assert moved.std() == pytest.approx(spread, rel=0.2)
    assert moved.mean() == pytest.approx(0.25, abs=5 * spread / np.sqrt(moved.size))


@pytest.mark.parametrize(
    "change",
    [("neutral = [", 'neutral = ["shock_jump", '), ('"shocks", ', "")],
    ids=["held at its neutral value", "its mechanism is off"],
)
def test_an_unseen_shock_does_not_move_a_belief_that_the_theory_says_no_shock_moves(
    jump_after, change
):
    assert (jump_after(change) == 0).all()


def test_in_a_study_without_shocks_an_unseen_one_jumps_by_the_prior(unsampled):
    from beliefs.simulation.effects import new_jump

    bare = replace(unsampled.structure, shocks=(), shock_kind=(), shock_side=())
    jumps = new_jump(unsampled.theory, bare, (4000, 2), np.random.default_rng(1))
    assert jumps.shape == (4000, 2)
    assert jumps.std() == pytest.approx(0.5, rel=0.05)


def test_the_error_of_a_difference_respects_that_draws_hang_together(futures):
    """Draws that come in runs of equal ones tell less than as many independent ones."""
    n = futures.paths.talks.shape[0]
    rng = np.random.default_rng(3)
    runs = np.repeat(rng.random(n // 20) < 0.5, 20)
    shuffled = rng.permutation(runs)
    blank = np.zeros_like(futures.paths.talks)
    plain = replace(futures, paths=replace(futures.paths, talks=blank))

    def error(happened):
        talks = blank.copy()
        talks[:, 0] = happened
        bent = replace(futures, paths=replace(futures.paths, talks=talks))
        rows = [r for r in differences(bent, plain) if r["target"] == "talks"]
        assert all(r["difference"] == pytest.approx(happened.mean(), abs=1e-6) for r in rows)
        return rows[0]["mcse"]

    independent = np.sqrt(runs.mean() * (1 - runs.mean()) / n)
    assert error(shuffled) == pytest.approx(independent, rel=0.3)
    assert error(runs) > 3 * independent


def test_a_paired_difference_is_surer_than_two_unpaired_forecasts(futures):
    bent = with_it(futures, what_if(futures, "path", 5))
    rows = {(r["target"], r["side"], r["by"]): r for r in differences(bent, futures)}
    assert {target for target, *_ in rows} == {"crack", "crack_first", "talks_rational", "talks"}
    for row in rows.values():
        assert row["difference"] == pytest.approx(row["p"] - row["without"], abs=2e-6)
    row = rows["crack", "south", str(futures.dates[29])]
    assert row["difference"] > 0
    spread = row["p"] * (1 - row["p"]) + row["without"] * (1 - row["without"])
    assert row["mcse"] < np.sqrt(spread / futures.paths.talks.shape[0])


GOOD = '[[intervention]]\nkind = "path"\nindicator = "price"\ndate = 2026-03-10\nchange = 0.3\n'


def test_a_file_gives_its_interventions_in_order(tmp_path):
    file = tmp_path / "what_if.toml"
    file.write_text(GOOD + '[[intervention]]\nkind = "waiver"\ndate = 2026-03-11\n')
    first, second = load_interventions(file)
    assert first == Intervention("path", dt.date(2026, 3, 10), "price", 0.3)
    assert first.label == "path price +30% 2026-03-10"
    assert second.kind == "waiver" and second.until is None


PATH = '[[intervention]]\nkind = "path"\nindicator = "price"\ndate = 2026-03-10\n'
WAIVER = '[[intervention]]\nkind = "waiver"\ndate = 2026-03-10\n'
DATED = "[[intervention]]\ndate = 2026-07-10\nkind = "


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD.replace('"path"', '"pathh"'), "pathh"),
        (GOOD.replace("date = 2026-03-10", 'date = "2026-W11-2"'), "date"),
        (GOOD.replace("date = 2026-03-10", "date = 2026-03-10T00:00:00Z"), "zone"),
        (GOOD.replace("date = 2026-03-10\n", ""), "no date"),
        (GOOD.replace("change", "chance"), "chance"),
        ("x = 1\n" + GOOD, "x"),
        (GOOD.replace("change = 0.3", "change = "), "line 5"),
        (GOOD.replace("[[intervention]]", "[intervention]"), "intervention"),
        ("intervention = [1]", "intervention"),
        (PATH + 'values = { "soon" = 150.0 }', "soon"),
        (PATH + 'values = { "2026-03-10" = "a" }', "no number"),
        (PATH + "values = [1]", "no table"),
        (PATH + "change = -1.5", "change"),  # a price below 0
        (PATH + "change = nan", "change"),
        (WAIVER + "until = 2026-03-01", "before date"),
        (WAIVER + 'until = "soon"', "until"),
        (DATED + '"zone"', "needs its zone"),
        (DATED + '"attribution"', "hours"),
        (DATED + '"attribution"\nhours = -1', "hours"),
        (DATED + '"spoiler"\nseverity = 9', "severity"),
        (DATED + '"extension"\ndays = 30\nmutual = "yes"', "mutual"),
        (DATED + '"crossing"\nside = "us"', "needs its line"),
        (DATED + '"hotline"\nside = "us"', "no such key"),
        (DATED + '"concession"', "needs its id"),
    ],
)
def test_a_mistake_in_a_table_is_named(tmp_path, text, named):
    file = tmp_path / "what_if.toml"
    file.write_text(text + "\n")
    with pytest.raises(StudyError) as caught:
        load_interventions(file)
    error = caught.value
    assert named in f"{error.where} {error.found} {error}" and error.mend
    assert "what_if.toml" in error.where


def test_a_path_moves_the_cost_that_its_indicator_is(futures):
    """The price is what a side pays: a rise that stays costs from its day on, every day."""
    from beliefs.model.structure import columns, structure_of
    from beliefs.simulation.effects import change_columns

    posterior = futures.posterior
    inputs, n = posterior.inputs, int(posterior.inputs.active.sum())
    structure = structure_of(inputs)
    plain = {k: v[None, ..., n - 8 : n] for k, v in columns(inputs).items() if k == "cost"}
    rows = [r for r, k in enumerate(structure.cost_indicator) if inputs.indicators[k] == "price"]
    assert rows
    _, bent, _, _ = change_columns(
        [what_if(futures, "path", 5, change=0.01)],
        study=posterior.study,
        inputs=inputs,
        structure=structure,
        columns=plain,
        surprise=np.zeros((1, len(inputs.indicators), 8)),
        dates=futures.dates[:8],
        draw_jump=np.zeros,
    )
    moved = bent["cost"] - plain["cost"]
    step = np.log(1.01) / inputs.level_scale[inputs.indicators.index("price")]
    for row in range(len(structure.cost_indicator)):
        want = np.where(np.arange(8) >= 5, step * structure.cost_sign[row], 0.0)
        want = want if row in rows else np.zeros(8)
        np.testing.assert_allclose(moved[0, row], want, atol=1e-12)


def test_a_path_of_values_is_in_the_unit_of_the_indicator(futures):
    dates, poll = [str(d) for d in futures.dates], futures.posterior.inputs.last[1]
    same = float(1 / (1 + np.exp(-poll)))  # the share that was last seen: no news at all
    bent = with_it(
        futures, what_if(futures, "path", 5, indicator="poll", change=None, values={dates[5]: same})
    )
    up = what_if(futures, "path", 5, indicator="poll", change=None, values={dates[5]: same + 0.05})
    down = what_if(
        futures, "path", 5, indicator="poll", change=None, values={dates[5]: same - 0.05}
    )
    moved = [with_it(futures, w).paths.logit_belief - bent.paths.logit_belief for w in (up, down)]
    assert (moved[0][:, 0, 5] * moved[1][:, 0, 5] <= 1e-12).all()
    assert np.abs(moved[0][:, 0, 5]).max() > 0 and np.abs(moved[1][:, 0, 5]).max() > 0


@pytest.mark.parametrize(
    "item",
    [
        Intervention("path", dt.date(2026, 3, 10), indicator="price", change=0.3),
        Intervention("path", dt.date(2026, 3, 10), indicator="price", values={"2026-03-11": 2.0}),
        Intervention("waiver", dt.date(2026, 3, 10), until=dt.date(2026, 3, 12)),
        Intervention("turnover", dt.date(2026, 3, 10), side="south"),
    ],
)
def test_a_table_of_a_manifest_gives_its_intervention_back(item):
    assert parse("here", json.loads(json.dumps(as_table(item)))) == item


def _valued(day, value):
    return Intervention("path", dt.date(2026, 3, 10), indicator="price", values={day: value})


@pytest.mark.parametrize(
    ("horizon", "item", "named"),
    [
        (0, None, "horizon"),
        (5001, None, "horizon"),
        (35, Intervention("waiver", dt.date(2027, 1, 1)), "outside the forecast"),
        (35, Intervention("turnover", dt.date(2026, 3, 5), side="east"), "east"),
        (35, Intervention("turnover", dt.date(2026, 3, 5)), "None"),
        (35, Intervention("path", dt.date(2026, 3, 5), "price"), "neither"),
        (35, Intervention("path", dt.date(2026, 3, 5), "pryce", 0.1), "pryce"),
        (35, Intervention("path", dt.date(2026, 3, 5), "poll", 0.1), "logit"),
        (2, Intervention("waiver", dt.date(2026, 3, 20)), "outside the forecast"),
        (35, _valued("2026-01-01", 150.0), "outside the forecast"),
        (35, _valued("2026-03-10", -1.0), "does not fit"),  # a log of that
    ],
)
def test_a_plan_is_refused_without_a_posterior(rich_folder, horizon, item, named):
    with pytest.raises(StudyError, match=named):
        check_plan(load_study(rich_folder), horizon, [item] if item else [])


def test_a_plan_that_a_forecast_takes_is_let_through(futures):
    first, last = (dt.date.fromisoformat(str(futures.dates[at])) for at in (0, -1))
    items = [
        item
        for day in (first, last)
        for item in (
            Intervention("path", day, "price", 0.5),
            Intervention("waiver", day),
            Intervention("turnover", day, side="south"),
            Intervention("escalation", day),
        )
    ]
    told = forecast(
        futures.posterior, futures.dates.size, seed=1, interventions=items, actions=False
    )
    assert told.interventions == tuple(items)
    check_plan(futures.posterior.study, futures.dates.size, items)
