"""What a study lets one see of acts, truces, offers and agreements."""

import numpy as np
import pytest
from make_actions import ACTIONS, HEADER, agreements, row, write_actions
from make_study import coverage_rows, day, talk, write_study
from prefix import assert_same_past

from beliefs import build_inputs, load_study
from beliefs.features.inputs import Observed
from beliefs.forecasting.targets import TARGETS, Past
from beliefs.study.tables.append import with_rows
from beliefs.study.tables.codebook import CONFLICT_PHASES

DAYS = 56


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Observed:
    folder = write_actions(tmp_path_factory.mktemp("action_draws") / "small")
    return build_inputs(load_study(folder)).observed


def observed(folder, **more) -> Observed:
    return build_inputs(load_study(write_actions(folder, **more))).observed


def on(values) -> list[int]:
    """Periods in which something is not zero."""
    return np.flatnonzero(values).tolist()


NORTH, SOUTH = 0, 1
# Days on which something is seen, by column and side.
SEEN = {
    # Acts of force, from the least severity on; Israel is a force of the North.
    ("strike_count", NORTH): [12, 17, 37],
    ("strike_count", SOUTH): [10, 14, 15, 36],
    # An answer follows an act of the rival within three periods.
    ("provoked", NORTH): [12, 17, 37],
    ("provoked", SOUTH): [14, 15],
    # A line is touched by any act there and crossed by a severe one.
    ("line_touch", NORTH): [],
    ("line_touch", SOUTH): [14, 15],
    ("line_cross", SOUTH): [14],
    # By zone, of outsiders, and on a third party or in Lebanon; the mine is too mild for a strike.
    ("zone_count", 0): [14],
    ("zone_count", 1): [17],
    ("excluded_count",): [16],
    ("peripheral_count",): [15, 17, 37],
    # A safeguard holds from its publication to its end.
    ("hotline",): range(33, 47),
    ("zone_rule", 0): range(31, DAYS),
    ("zone_rule", 1): [],
    ("zone_near", 1): range(31, DAYS),
    ("zone_near", 0): [],
    # Periods that begin under a truce; how it ends stands where that was published.
    ("truce_seen",): range(29, 51),
    ("truce_end",): [39, 50],
    ("end_kind",): [39],
    # A breach is a severe act on the other side's own actors.
    ("breach",): [36],
    ("breach_own",): [36],
    ("breach_other",): [37],
    ("disobeyed", NORTH): [37],
    ("disobeyed", SOUTH): [],
    ("command_seen", SOUTH): [],
    # Four quiet days count from the fifth day of each truce.
    ("quiet_passed",): [*range(33, 40), *range(44, 51)],
    # A broken concession counts until the truce ends.
    ("concession_broken",): range(42, 51),
    # Offers and replies are between the sides' own actors.
    ("concession", NORTH): [],
    ("concession", SOUTH): [30],
    ("reply_yes",): [33],
    ("reply_no",): [31],
    ("sanction",): [42],
    # An extension is no deal and a declaration of one side is none.
    ("deal",): [28, 35],
    ("deal_unsigned",): [28, 35],
    ("deal_signed",): [],
    # An agreement is exposed until its end, of day 45, is published on day 46.
    ("scope_live", 0): range(47),
    ("scope_ended", 0): [46],
    ("scope_live", 1): range(36, DAYS),
    ("scope_ended", 1): [],
    # The cabinet of day 25, published on day 27, is younger than the treaty, older than the swap.
    ("government_changed", 0): range(28, 47),
    ("government_changed", 1): [],
}


@pytest.mark.parametrize(("column", "days"), SEEN.items(), ids=lambda v: str(v[:2]))
def test_what_is_seen_stands_on_its_days(seen, column, days):
    assert on(getattr(seen, column[0])[column[1:]]) == list(days)


def test_everything_asked_about_is_seen_while_somebody_looks(seen):
    for name in ("strikes", "sanction", "deal"):
        assert getattr(seen, f"{name}_seen").all()
    assert seen.command_seen[NORTH].sum() == 22


def test_a_provocation_is_the_mean_severity_of_what_is_answered(seen):
    assert seen.provocation[0, 17] == pytest.approx((np.log(4 / 3) + 0.0) / 2)
    assert seen.severity_log[1, 10] == pytest.approx(np.log(1.5))


def test_heavy_blows_are_suffered_by_the_other_side(seen):
    assert not seen.heavy[1].any()
    assert seen.heavy[0, 9] == 0 and seen.heavy[0, 10] == pytest.approx(np.log(2))
    assert seen.heavy[0, 13] == pytest.approx(np.log1p(np.exp(-3 / 14)))


def test_traces_of_own_strikes_and_pauses_end_the_day_before(seen):
    assert seen.own_recent[1, 10] == 0 and seen.own_recent[1, 11] == pytest.approx(np.log(2))
    # Between the sides' own actors: 10, 12, 14, 17; W5 hit a third party.
    assert seen.pause[11] == 0 and seen.pause[17] == pytest.approx(np.log(3) / np.log(15))
    assert seen.pause[18] == 0 and seen.pause[36] == 1.0
    assert seen.calm[17:26].tolist() == [0] * 8 + [1]


def test_a_shift_of_power_is_known_the_day_after(seen):
    assert not seen.power_shift[:21].any()
    assert seen.power_shift[21:].all() and (np.diff(seen.power_shift[21:]) < 0).all()


def test_a_truce_counts_its_days_on_through_the_extension_and_says_how_it_ends(seen):
    assert seen.truce_age[29:51].tolist() == list(range(1, 23))
    assert seen.truce_end[[39, 50]].tolist() == [2, 1] and seen.end_kind[39] == 2


def test_the_last_days_before_a_deadline_are_marked(tmp_path):
    kept = [row("G1", 28, deadline=40)]
    seen = observed(tmp_path / "s", agreements=kept)
    assert on(seen.at_deadline) == [38, 39, 40] and on(seen.deadline_now) == [40]
    assert on(seen.has_deadline) == list(range(29, 41))
    assert on(seen.truce_seen) == list(range(29, DAYS))  # past it, while nobody ends it
    assert not seen.end_kind.any()


def test_a_recording_that_begins_with_the_collapse_does_not_see_it(tmp_path):
    late = [(day(-60), day(49), "none", "no", ""), (day(50), day(60), "dense", "digest", "")]
    seen = observed(tmp_path / "s", coverage=late)
    assert not seen.truce_seen.any() and not seen.truce_end.any()
    assert seen.strikes_seen.sum() == 6


def test_ends_of_truces_may_be_known_where_breaches_are_not(tmp_path):
    toml = ACTIONS.replace("[truce]", '[truce]\nends = ["headline"]')
    headlines = [(day(-60), day(60), "headline", "digest", "")]
    study = load_study(write_actions(tmp_path / "s", toml=toml, coverage=headlines))
    past = Past(study, inputs := build_inputs(study))
    seen = inputs.observed
    known = {name: on(TARGETS[name].label(past, "any")[1]) for name in ("breach", "collapse")}
    truce = [*range(29, 51)]
    assert known == {
        "breach": [d for d in range(DAYS) if d not in truce],
        "collapse": [*range(DAYS)],
    }
    assert on(seen.ends_seen) == list(range(29, 51)) and on(seen.truce_end) == [39, 50]
    assert not (seen.truce_seen.any() or seen.breach.any() or seen.quiet_passed.any())


def test_rounds_count_since_the_war_began(tmp_path):
    talks = [talk("T1", 5), talk("T2", 25), talk("T3", 26)]
    number = observed(tmp_path / "s", talks=talks).round_number
    # The clashes begin on day 15 and set the count back; the counter-offer of day 33 counts.
    assert np.expm1(number[[5, 6, 15, 16, 26, 27, 34]]).round(6).tolist() == [0, 1, 1, 0, 1, 2, 3]


def test_a_walkout_fades_and_needs_something_to_walk_out_of(tmp_path):
    talks = [talk("T1", 2), talk("T2", 8, label="cancelled", form="none")]
    seen = observed(tmp_path / "s", talks=talks, events=[])
    assert on(seen.walkout) == [8]
    assert on(seen.walkout_at_risk) == list(range(3, 39))  # a month after each row
    assert seen.walkout_fresh[8] == 0 and seen.walkout_fresh[9] == 1.0
    assert seen.walkout_fresh[16] == pytest.approx(np.exp(-1))
    assert on(seen.talks_recent) == list(range(3, 17))
    assert seen.spell_age[[3, 4]].tolist() == [0.0, np.log(2)]


def test_the_phases_follows_the_regimes_and_what_they_declare(tmp_path, seen):
    names = [CONFLICT_PHASES[k] for k in seen.conflict_phase[seen.conflict_phase_seen]]
    assert (names[0], names[-1]) == ("open_war", "truce")
    peace = ACTIONS.replace('label = "Pause"', 'label = "Pause"\nconflict_phase = "negative_peace"')
    place = CONFLICT_PHASES.index("negative_peace")
    assert observed(tmp_path / "s", toml=peace).conflict_phase[40] == place


def test_a_study_without_the_tables_sees_nothing_of_actions(tmp_path):
    seen = build_inputs(load_study(write_study(tmp_path / "s"))).observed
    always = {
        "conflict_phase", "conflict_phase_seen", "round_number", "talks_before",
        "talks_recent", "deal_near",
        "spell_age", "mediator_old", "instrument", "walkout", "walkout_fresh",
    }  # fmt: skip
    for name, array in vars(seen).items():
        if isinstance(array, np.ndarray) and name not in always:
            assert not array.any(), name
    assert (seen.instrument == -1).all()


@pytest.mark.parametrize("step", ["day", "week"])
def test_no_column_of_actions_changes_with_hindsight(tmp_path, step):
    toml = ACTIONS.replace('step = "day"', f'step = "{step}"')
    folder = write_actions(tmp_path / "s", toml=toml, coverage=coverage_rows())
    late = build_inputs(load_study(folder))
    for offset in range(8, DAYS - 1, 4):
        assert_same_past(build_inputs(load_study(folder, as_of=day(offset))), late)


def test_how_an_agreement_ended_is_not_known_before_it_was_published(tmp_path):
    folder = write_actions(tmp_path / "s")
    before = load_study(folder, as_of=day(45)).agreements.set_index("agreement_id")
    after = load_study(folder, as_of=day(46)).agreements.set_index("agreement_id")
    assert before.loc["G0", "end_kind"] == "" and after.loc["G0", "end_kind"] == "terminated"
    assert before["ended"].isna().tolist() == [True, False, True, True]
    kept = [cells for cells in agreements() if cells[0] != "G0"]
    kept.insert(0, row("G0", -30, "treaty", form="signed"))
    other = write_actions(tmp_path / "t", agreements=kept)
    assert load_study(other, as_of=day(45)).sha256 == load_study(folder, as_of=day(45)).sha256
    assert load_study(other).sha256 != load_study(folder).sha256


def test_settings_that_become_known_later_do_not_show(tmp_path):
    early = load_study(write_actions(tmp_path / "s"), as_of=day(32)).spec
    assert [s.id for s in early.safeguards] == ["sea"]
    assert early.spoilers == () and [str(d) for d in early.forecast.origins] == ["2026-02-01"]
    later = load_study(tmp_path / "s", as_of=day(40)).spec
    assert later.safeguards[0].end is None


def test_a_row_that_ends_an_agreement_takes_the_place_of_the_one_without_an_end(tmp_path):
    folder = write_actions(tmp_path / "s", agreements=[row("G1", 28, deadline=40)])
    later = [row("G1", 28, deadline=40, ended=39, end_kind="extended_mutual")]
    later.append(row("G2", 39, parent="G1"))
    data = tmp_path / "new.csv"
    data.write_text("\n".join([HEADER, *(",".join(map(str, cells)) for cells in later)]) + "\n")
    assert with_rows(load_study(folder), [data], tmp_path / "out").rows == 2
    kept = load_study(tmp_path / "out").agreements
    assert kept["agreement_id"].tolist() == ["G1", "G2"]
    assert kept["end_kind"].tolist() == ["extended_mutual", ""]
    # Before the end was published, the new folder is the old one.
    one, two = (load_study(path, as_of=day(38)) for path in (folder, tmp_path / "out"))
    assert one.sha256 == two.sha256
