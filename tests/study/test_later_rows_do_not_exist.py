"""A bundled study as of a date is the same whether or not the rows published later are there."""

import numpy as np
import pytest
from later_rows import without_later_rows

from beliefs.study.inputs import build_inputs
from beliefs.study.load import load_study

SHARES = (0.02, 0.1, 0.3, 0.6, 0.9)
STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel")


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", STUDIES)
def test_deleting_what_was_published_later_changes_nothing(name, share, tmp_path):
    whole = load_study(name)
    period = whole.spec.period
    # Not before the third period: an as-of date has to leave a whole one.
    day = str(
        period.start
        + max(
            (period.end - period.start) * share, whole.grid.dates[2].astype(object) - period.start
        )
    )[:10]
    copy, dropped = without_later_rows(name, day, tmp_path / "copy")
    assert dropped > 0
    full, cut = load_study(name, as_of=day), load_study(copy, as_of=day)
    assert full.sha256 == cut.sha256
    one, two = build_inputs(full), build_inputs(cut)
    others = {**vars(two), **vars(two.observed)}
    for field, value in {**vars(one), **vars(one.observed)}.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, others[field], err_msg=field)
        elif field not in ("talks_by_rule", "seeing", "observed"):
            assert value == others[field], field


def test_an_indicator_without_rows_is_remarked_on_and_not_refused(tmp_path, capsys):
    from beliefs.cli import main
    from beliefs.study.template import new_study

    folder = new_study(tmp_path / "mine")
    assert load_study(folder).remarks == ()
    table = (folder / "talks.csv").read_text().splitlines()
    (folder / "talks.csv").write_text(table[0] + "\n")
    settings = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(
        settings.replace('kinds = ["strike", "missile_drone_attack"]', 'kinds = ["cyber"]')
    )
    remarks = load_study(folder).remarks
    assert any("talks.csv has no rows" in line for line in remarks)
    assert any("counts no event" in line and "cyber" in line for line in remarks)
    assert main(["check", str(folder)]) == 0
    assert "talks.csv has no rows" in capsys.readouterr().out
