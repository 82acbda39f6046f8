"""What a study lets one see of acts, truces, offers and agreements."""

import numpy as np
import pytest
from make_conduct import CONDUCT, HEADER, acts, agreements, row, write_conduct
from make_study import coverage_rows, day, event, talk, write_study
from prefix import assert_same_past

from beliefs.errors import StudyError
from beliefs.features.inputs import build_inputs
from beliefs.features.observed import Observed
from beliefs.model.structure import structure_of
from beliefs.study.load import load_study
from beliefs.study.tables.append import with_rows
from beliefs.study.tables.codebook import RUNGS

DAYS = 56


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Observed:
    folder = write_conduct(tmp_path_factory.mktemp("conduct") / "small")
    return build_inputs(load_study(folder)).observed


def observed(folder, **more) -> Observed:
    return build_inputs(load_study(write_conduct(folder, **more))).observed


def on(values) -> list[int]:
    """Periods in which something is not zero."""
    return np.flatnonzero(values).tolist()


# ---- Acts of force


def test_a_side_strikes_by_its_forces_from_the_least_severity_on(seen):
    assert on(seen.strike_count[0]) == [12, 17, 37]  # Israel is a force of the North
    assert on(seen.strike_count[1]) == [10, 14, 15, 36]  # not 13: too mild
    assert seen.strikes_seen.all()


def test_half_a_severity_counts_in_both_neighbours(seen):
    assert seen.strike_by_severity[1, :, 10].tolist() == [0, 0, 0, 0.5, 0.5]
    assert seen.strike_by_severity.sum(axis=1) == pytest.approx(seen.strike_count)
    assert on(seen.warned_by_severity[1].sum(axis=0)) == [14]


def test_an_answer_follows_an_act_of_the_rival_within_three_periods(seen):
    assert on(seen.provoked[0]) == [12, 17, 37]  # after 10; 14 and 15; 36
    assert on(seen.provoked[1]) == [14, 15]  # after 12
    assert seen.provocation[0, 17] == pytest.approx((np.log(4 / 3) + 0.0) / 2)
    assert seen.severity_log[1, 10] == pytest.approx(np.log(1.5))


def test_a_line_is_touched_by_any_act_there_and_crossed_by_a_severe_one(seen):
    assert on(seen.line_touch[1]) == [14, 15]
    assert on(seen.line_cross[1]) == [14]
    assert not seen.line_touch[0].any()


def test_acts_are_counted_by_zone_at_the_periphery_and_of_outsiders(seen):
    assert on(seen.zone_count[0]) == [14] and on(seen.zone_count[1]) == [17]
    assert on(seen.excluded_count) == [16]
    # On a third party, or in Lebanon; the mine is too mild for this study's strikes.
    assert on(seen.peripheral_count) == [15, 17, 37]


def test_a_safeguard_holds_from_its_publication_to_its_end(seen):
    assert on(seen.hotline) == list(range(33, 47))
    assert on(seen.zone_rule[0]) == list(range(31, DAYS)) and not seen.zone_rule[1].any()
    assert on(seen.zone_near[1]) == list(range(31, DAYS)) and not seen.zone_near[0].any()


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


def test_power_shifts_by_the_steady_steps_of_a_series(tmp_path):
    toml = CONDUCT.replace('kinds = ["deployment"]\nmemory = 14', 'indicator = "price"')
    shift = observed(tmp_path / "s", toml=toml).power_shift
    assert shift.min() >= 0 and shift.max() <= 4 and shift[5:].any()


# ---- Truces


def test_a_truce_is_seen_in_the_periods_that_begin_under_it(seen):
    assert on(seen.truce_seen) == list(range(29, 51))
    assert seen.truce_age[29:51].tolist() == list(range(1, 23))  # on through the extension


def test_how_a_window_ends_stands_where_that_was_published(seen):
    assert on(seen.truce_end) == [39, 50]
    assert seen.truce_end[[39, 50]].tolist() == [2, 1]
    assert on(seen.window_kind) == [39] and seen.window_kind[39] == 2


def test_the_last_days_before_a_deadline_are_marked(tmp_path):
    kept = [row("G1", 28, deadline=40)]
    seen = observed(tmp_path / "s", agreed=kept)
    assert on(seen.at_deadline) == [38, 39, 40] and on(seen.deadline_now) == [40]
    assert on(seen.has_deadline) == list(range(29, 41))
    assert on(seen.truce_seen) == list(range(29, DAYS))  # past it, while nobody ends it
    assert not seen.window_kind.any()


def test_a_lapse_is_no_resolution_and_no_collapse(tmp_path):
    seen = observed(tmp_path / "s", agreed=[row("G1", 28, deadline=40, ended=40, end_kind="lapse")])
    assert on(seen.window_kind) == [40] and seen.window_kind[40] == 1
    assert not seen.truce_end.any()


def test_a_breach_is_a_severe_act_on_the_other_sides_own_actors(seen):
    assert on(seen.breach) == [36]
    assert on(seen.breach_own) == [36] and on(seen.breach_other) == [37]
    assert on(seen.disobeyed[0]) == [37] and not seen.disobeyed[1].any()
    assert seen.command_seen[0].sum() == 22 and not seen.command_seen[1].any()


def test_four_quiet_days_count_from_the_fifth_day_of_each_window(seen):
    assert on(seen.quiet_passed) == [*range(33, 40), *range(44, 51)]


def test_a_breach_in_the_first_days_ends_the_quiet(tmp_path):
    seen = observed(tmp_path / "s", events=[*acts(), event("B0", 30, severity=2)])
    assert on(seen.quiet_passed) == list(range(44, 51))


def test_an_unowned_act_is_open_until_somebody_is_blamed(tmp_path, seen):
    assert on(seen.spoiler_open) == [35, 36]
    unblamed = CONDUCT[: CONDUCT.index("[[spoilers]]")]
    assert on(observed(tmp_path / "s", toml=unblamed).spoiler_open) == list(range(35, 42))


def test_a_broken_concession_counts_until_the_window_ends(seen):
    assert on(seen.concession_broken) == list(range(42, 51))


def test_attacks_by_allies_in_a_truce_fade(seen):
    assert not seen.proxy_attack[:37].any()
    assert seen.proxy_attack[37] == 1 and seen.proxy_attack[44] == pytest.approx(np.exp(-1))


def test_a_recording_that_begins_with_the_collapse_does_not_see_it(tmp_path):
    late = [(day(-60), day(49), "none", "no", ""), (day(50), day(60), "dense", "digest", "")]
    seen = observed(tmp_path / "s", coverage=late)
    assert not seen.truce_seen.any() and not seen.truce_end.any()
    assert seen.strikes_seen.sum() == 6


# ---- Words and agreements


def test_offers_and_replies_are_between_the_sides_own_actors(seen):
    assert on(seen.concession[1]) == [30] and not seen.concession[0].any()
    assert on(seen.reply_yes) == [33] and on(seen.reply_no) == [31]
    assert on(seen.sanction) == [42] and seen.sanction_seen.all()


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


def test_the_agenda_of_the_month_before_is_a_share(seen):
    # The offer, the rejection in the gulf, the counter-offer; in the first days older rows count.
    assert seen.maritime[[31, 32, 33, 34]] == pytest.approx([0, 1 / 2, 1 / 2, 1 / 3])


def test_an_extension_is_no_deal_and_a_declaration_of_one_side_is_none(seen):
    assert on(seen.deal) == [28, 35]
    assert on(seen.deal_unsigned) == [28, 35] and not seen.deal_signed.any()
    assert seen.deal_seen.all()


def test_an_extension_by_both_sides_is_no_deal_either(tmp_path):
    mutual = [
        row("G1", 28, ended=39, end_kind="extended_mutual"),
        row("G2", 39, parent="G1", ended=45, end_kind="deal"),
        row("G3", 45, form="signed", parent="G2"),
    ]
    seen = observed(tmp_path / "s", agreed=mutual)
    assert on(seen.deal) == [28, 45] and on(seen.deal_signed) == [45]
    assert seen.window_kind[[39, 45]].tolist() == [3, 4]


def test_agreements_are_exposed_until_their_end_is_published(seen):
    assert on(seen.scope_live[0]) == list(range(47))  # ended on day 45, published on day 46
    assert on(seen.scope_ended[0]) == [46]
    assert on(seen.scope_live[1]) == list(range(36, DAYS)) and not seen.scope_ended[1].any()


def test_a_change_of_government_counts_for_older_agreements_only(seen):
    # The cabinet of day 25 was published on day 27; the treaty is older, the swap is not.
    assert on(seen.government_changed[0]) == list(range(28, 47))
    assert not seen.government_changed[1].any()


def test_the_ladder_follows_the_regimes_and_what_they_declare(tmp_path, seen):
    names = [RUNGS[k] for k in seen.rung[seen.rung_seen]]
    assert (names[0], names[-1]) == ("open_war", "truce")
    peace = CONDUCT.replace('label = "Pause"', 'label = "Pause"\nrung = "negative_peace"')
    assert observed(tmp_path / "s", toml=peace).rung[40] == RUNGS.index("negative_peace")


# ---- Safety


def test_a_study_without_the_tables_sees_nothing_of_conduct(tmp_path):
    seen = build_inputs(load_study(write_study(tmp_path / "s"))).observed
    always = {"rung", "rung_seen", "round_number", "talks_recent", "deal_near", "spell_age"}
    always |= {"mediator_old", "instrument", "walkout", "walkout_fresh"}
    for name, array in vars(seen).items():
        if isinstance(array, np.ndarray) and name not in always:
            assert not array.any(), name
    assert (seen.instrument == -1).all()


@pytest.mark.parametrize("step", ["day", "week"])
def test_no_column_of_conduct_changes_with_hindsight(tmp_path, step):
    toml = CONDUCT.replace('step = "day"', f'step = "{step}"')
    folder = write_conduct(tmp_path / "s", toml=toml, coverage=coverage_rows())
    late = build_inputs(load_study(folder))
    for offset in range(8, DAYS - 1, 4):
        assert_same_past(build_inputs(load_study(folder, as_of=day(offset))), late)


def test_how_an_agreement_ended_is_not_known_before_it_was_published(tmp_path):
    folder = write_conduct(tmp_path / "s")
    before = load_study(folder, as_of=day(45)).agreements.set_index("agreement_id")
    after = load_study(folder, as_of=day(46)).agreements.set_index("agreement_id")
    assert before.loc["G0", "end_kind"] == "" and after.loc["G0", "end_kind"] == "terminated"
    assert before["ended"].isna().tolist() == [True, False, True, True]
    kept = [cells for cells in agreements() if cells[0] != "G0"]
    kept.insert(0, row("G0", -30, "treaty", form="signed"))
    other = write_conduct(tmp_path / "t", agreed=kept)
    assert load_study(other, as_of=day(45)).sha256 == load_study(folder, as_of=day(45)).sha256
    assert load_study(other).sha256 != load_study(folder).sha256


def test_a_header_without_rows_is_as_good_as_no_table(tmp_path):
    folder = write_conduct(tmp_path / "s", agreed=[])
    with_table = load_study(folder)
    (folder / "agreements.csv").unlink()
    without = load_study(folder)
    assert with_table.sha256 == without.sha256
    other = vars(build_inputs(with_table).observed)
    for name, array in vars(build_inputs(without).observed).items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def test_settings_that_become_known_later_do_not_show(tmp_path):
    early = load_study(write_conduct(tmp_path / "s"), as_of=day(32)).spec
    assert [s.id for s in early.safeguards] == ["sea"]
    assert early.spoilers == () and [str(d) for d in early.forecast.origins] == ["2026-02-01"]
    later = load_study(tmp_path / "s", as_of=day(40)).spec
    assert later.safeguards[0].end is None


def test_a_new_instrument_is_no_new_structure_of_belief(tmp_path):
    one = build_inputs(load_study(write_conduct(tmp_path / "s")))
    two = build_inputs(load_study(write_conduct(tmp_path / "t", coverage=coverage_rows())))
    assert structure_of(one).instruments != structure_of(two).instruments
    assert structure_of(one) == structure_of(two)


def test_a_row_that_ends_an_agreement_takes_the_place_of_the_one_without_an_end(tmp_path):
    folder = write_conduct(tmp_path / "s", agreed=[row("G1", 28, deadline=40)])
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


def test_an_agreement_with_an_end_is_not_replaced(tmp_path):
    folder = write_conduct(tmp_path / "s", agreed=[row("G1", 28, ended=39, end_kind="lapse")])
    data = tmp_path / "new.csv"
    other = row("G1", 28, ended=38, end_kind="lapse")
    data.write_text(f"{HEADER}\n{','.join(map(str, other))}\n")
    with_rows(load_study(folder), [data], tmp_path / "out")
    with pytest.raises(StudyError, match="a row stands twice"):
        load_study(tmp_path / "out")
