"""A bundled study as of a date is the same whether or not rows published later are there."""

import pytest
from later_rows import with_later_rows_permuted, without_later_rows
from prefix import assert_same, assert_same_past

from beliefs.features.inputs import build_inputs
from beliefs.study.load import load_study

STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel")


@pytest.mark.parametrize(
    "share", (0.02, 0.6, *(pytest.param(s, marks=pytest.mark.slow) for s in (0.1, 0.3, 0.9)))
)
@pytest.mark.parametrize("name", STUDIES)
def test_deleting_what_was_published_later_changes_nothing(name, share, tmp_path):
    whole = load_study(name)
    # Not before the third period: an as-of date has to leave a whole one.
    day = str(whole.grid.dates[max(2, int(share * whole.grid.n))])
    copy, dropped = without_later_rows(name, day, tmp_path / "copy")
    assert dropped > 0
    full, cut = load_study(name, as_of=day), load_study(copy, as_of=day)
    assert full.sha256 == cut.sha256
    assert_same(build_inputs(full), build_inputs(cut))
    assert_same_past(build_inputs(full), build_inputs(whole))


@pytest.mark.parametrize("name", STUDIES)
def test_whatever_later_rows_say_nothing_of_it_is_known(name, tmp_path):
    grid = load_study(name).grid
    day = str(grid.last_days[int(0.6 * grid.n)])
    copy, changed = with_later_rows_permuted(name, day, tmp_path / "copy", seed=1)
    assert changed > 0
    full, other = load_study(name, as_of=day), load_study(copy, as_of=day)
    assert full.sha256 == other.sha256
    assert_same(build_inputs(full), build_inputs(other))
