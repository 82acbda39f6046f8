"""Panels: many conflicts in one folder, each of which is a study."""

import csv
import io

import pytest

from beliefs import StudyError, build_inputs, load_study
from beliefs.study.bundled import data_folder, new_study
from beliefs.study.panels import list_panels, load_panel
from beliefs.study.tables.cells import columns_of
from beliefs.study.tables.rows import TABLES

CONFLICTS = """\
conflict,side_a,side_b,start,end,note
one,"A ""great"" house",Small house,2000-01-03,2000-03-05,x
two,Old house,New house,2001-01-01,2001-02-04,@END@
"""
ROWS = {
    "events.csv": """\
one,one-E1,1999-12-01,,,a,b,strike,3,action,1,,,other,high,,
one,one-E2,2000-01-20,,2000-02-10,b,other,thought,,private,-1,,,other,low,,
two,two-E1,2001-01-09,,,b,a,threat,,public,,,,other,high,,
""",
    "talks.csv": """\
one,one-T1,2000-02-29,,,direct,talks,1,,high,
two,two-T1,2001-02-04,,,direct,deal,1,,low,
""",
    "coverage.csv": """\
one,1999-11-08,2000-03-05,headline,papers,
two,2000-11-06,2001-02-04,dense,papers,
""",
}


@pytest.fixture
def panel(tmp_path):
    """A panel of two made-up conflicts."""
    folder = tmp_path / "houses"
    folder.mkdir()
    (folder / "conflicts.csv").write_text(CONFLICTS)
    for name, rows in ROWS.items():
        head = ",".join(("conflict", *columns_of(TABLES[name])))
        (folder / name).write_text(f"{head}\n{rows}")
    toml = (data_folder() / "panels" / "crises" / "study.toml").read_text()
    (folder / "study.toml").write_text(toml.replace("@CONFLICT@", "@CONFLICT@ @NOTE@"))
    (folder / "SOURCES.md").write_text("Made up.\n")
    (folder / "LICENSE.md").write_text("# Free\n")
    return folder


# File, what stands there, what instead, where that is wrong, what is said, how to fix it.
BROKEN = """\
conflicts.csv|two,Old|one,Old|3 column conflict|a row stands twice|id of its own
conflicts.csv|Old house||3 column side_a|side_a is missing|both sides
conflicts.csv|New house| |3 column side_b|side_b is missing|both sides
conflicts.csv|2001-02-04|2000-02-04|3 column end|ends before it begins|correct end
conflicts.csv|two,|../two,|3 column conflict|not a short name|for example
conflicts.csv|side_b|other|1 column side_b|the column `side_b` is missing|add `side_b`
conflicts.csv|one,|#one,|2 column conflict|not a short name|for example
events.csv|two,two-E1|three,two-E1|4 column conflict|no conflict of the panel|conflicts.csv
events.csv|two-E1|one-E1|4 column event_id|stands twice|id of its own
events.csv|1999-12-01|1999-11-07|2 column date|more than 8 weeks before|correct the date
events.csv|threat|thret|4 column kind|'thret' is not a known kind|did you mean 'threat'
events.csv|b,a,threat|c,a,threat|4 column initiator|not a known initiator|use a word of the list
talks.csv|direct,deal|direkt,deal|3 column format|not a known format|'direct'
talks.csv|direct,deal|direct,dael|3 column label|not a known label|'deal'
talks.csv|2001-02-04|2001-02-05|3 column date|after the end of its conflict|leave the row out
coverage.csv|2000-11-06|2001-01-06|3 column start|begins late|add a span
study.toml|"count"|"cuont"|42 indicators[0].transform|unusable|count
conflicts.csv|New house|Old house|3 column side_b|one name|correct one
study.toml|@SIDE_B@|@SIDE_C@|6|names no column|correct it
SOURCES.md|Made up.||1|does not say where its data come from|write one line
"""


@pytest.mark.parametrize("case", BROKEN.splitlines())
def test_a_broken_panel_is_refused_at_the_place_that_is_wrong(panel, case):
    file, old, new, where, what, fix = case.split("|")
    (panel / "LICENSE.md").unlink()  # which a panel need not have
    (panel / file).write_text((panel / file).read_text().replace(old, new))
    with pytest.raises(StudyError) as caught:
        load_study(f"{panel}/two")
    error = caught.value
    assert error.where == f"{file}:{where}" and error.expected
    assert what in error.what and fix in error.fix, error


def test_a_panel_without_conflicts_is_refused(panel):
    (panel / "conflicts.csv").write_text(CONFLICTS.partition("\n")[0])
    with pytest.raises(StudyError, match="no conflict"):
        load_panel(panel)


def test_a_conflict_is_the_study_that_its_rows_are(panel, tmp_path):
    taken, hand = load_study(panel / "one"), tmp_path / "by-hand"
    hand.mkdir()
    for name in (*ROWS, "indicators.csv"):
        rows = [row[4:] for row in ROWS.get(name, "").splitlines() if row[:3] == "one"]
        (hand / name).write_text("\n".join([",".join(columns_of(TABLES[name])), *rows]) + "\n")
    (hand / "SOURCES.md").write_text("Made up.\n")
    toml, said = (panel / "study.toml").read_text(), next(csv.DictReader(io.StringIO(CONFLICTS)))
    for name, text in {"name": "houses-one", **said}.items():
        toml = toml.replace(f"@{name.upper()}@", text.replace('"', '\\"'))
    (hand / "study.toml").write_text(toml)
    study = load_study(hand)
    assert study.spec == taken.spec and study.sha256 == taken.sha256
    for name in ("indicators", "events", "talks", "coverage", "agreements"):
        assert getattr(study, name).equals(getattr(taken, name))
    assert taken.spec.sides[0].name == 'A "great" house'
    assert load_study(taken.path).sha256 == taken.sha256  # what a run folder copies
    assert (taken.path / "SOURCES.md").read_text() == "Made up.\n\n# Free\n"
    assert load_study(panel / "two").spec.title.endswith("two @END@")  # a cell is no template
    mine = load_study(new_study(tmp_path / "mine", like=taken.path))
    assert mine.sha256 == taken.sha256


def test_an_earlier_date_hides_later_rows_and_a_change_is_seen(panel):
    study = load_study(f"{panel}/one", as_of="2000-02-09")
    assert len(study.events) == 1 and len(study.talks) == 0
    assert len(load_study(f"{panel}/one").events) == 2
    (panel / "talks.csv").write_text(
        (panel / "talks.csv").read_text() + "one,T9,2000-03-01,,,direct,talks,,,low,\n"
    )
    assert len(load_study(f"{panel}/one").talks) == 2


def test_commands_take_a_panel_and_a_conflict_of_it(call, panel, tmp_path):
    for arguments, words in (
        (["check", str(panel)], "houses is in order: 2 conflicts."),
        (["check", f"{panel}/two"], "houses-two is in order"),
        (["panels", str(panel)], "2001-01-01 .. 2001-02-04  Old house, New house"),
        (["new-study", str(tmp_path / "out"), "--from", f"{panel}/two"], "Wrote"),
    ):
        code, out, _ = call(*arguments)
        assert code == 0 and words in out
    for arguments, words in (
        (["check", f"{panel}/tow"], f"{panel}/two"),
        (["track", str(panel), "--out", f"{tmp_path}/run"], "a panel is not one study"),
        (["panels", str(tmp_path)], "there is no such panel"),
    ):
        code, _, err = call(*arguments)
        assert code == 2 and words in err


@pytest.mark.parametrize("name", list_panels())
def test_a_bundled_panel_loads(name):
    panel = load_panel(name)
    assert panel.name == name and panel.conflicts and panel._facts()["licence"]
    for conflict in [*panel.conflicts][::50]:
        study = load_study(f"{name}/{conflict}")
        assert study.name == f"{name}-{conflict}".replace("_", "-")
        assert len(study.tables.events) or len(study.tables.agreements)
        assert build_inputs(study).active.any()


def test_truces_of_civil_conflicts_count_though_no_act_is_recorded():
    seen = build_inputs(load_study("ceasefires/209")).observed
    assert set(seen.truce_end[seen.ends_seen]) == {0, 1, 2} and not seen.truce_seen.any()


def test_a_battle_counts_for_the_side_that_won_it():
    events = load_study("wars/american_civil_war").tables.events
    rows = zip(events["event_id"], events["initiator"], events["severity"], strict=True)
    won = {battle: (side, float(severity)) for battle, side, severity in rows}
    # Gettysburg and Chancellorsville: won by the Union, and by the Confederacy.
    assert won["PA002"] == ("a", 5) and won["VA032"] == ("b", 5)
