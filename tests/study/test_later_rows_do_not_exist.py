"""A bundled study as of a date is the same whether or not rows published later are there."""

import pytest
from later_rows import with_later_rows_permuted, without_later_rows
from prefix import assert_same, assert_same_past

from beliefs import build_inputs, load_study

STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel")


@pytest.mark.parametrize(
    ("change", "share"),
    [(with_later_rows_permuted, 0.6), (without_later_rows, 0.02), (without_later_rows, 0.6),
     *(pytest.param(without_later_rows, s, marks=pytest.mark.slow) for s in (0.1, 0.3, 0.9))],
)  # fmt: skip
@pytest.mark.parametrize("name", STUDIES)
def test_whatever_was_published_later_nothing_of_it_is_known(name, change, share, tmp_path):
    whole = load_study(name)
    # Not before the third period: an as-of date has to leave a whole one.
    day = str(whole.grid.dates[max(2, int(share * whole.grid.n))])
    copy, count = change(name, day, tmp_path / "copy")
    assert count > 0
    full, other = load_study(name, as_of=day), load_study(copy, as_of=day)
    assert full.sha256 == other.sha256
    assert_same(build_inputs(full), build_inputs(other))
    assert_same_past(build_inputs(full), build_inputs(whole))
