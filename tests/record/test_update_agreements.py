"""An update takes agreements and their ends for news of the day on which they were published."""

import numpy as np
from make_conduct import HEADER, row, write_conduct
from make_study import day

from beliefs.records.update import _gained, _grown
from beliefs.study.load import read_study


def grown(tmp_path, *rows):
    agreed = [row("G1", 28, deadline=40)]
    source = read_study(write_conduct(tmp_path / "s", agreements=agreed))
    data = tmp_path / "new.csv"
    data.write_text("\n".join([HEADER, *(",".join(map(str, cells)) for cells in rows)]) + "\n")
    old = source.known(day(32))
    new, given, waiting = _grown(source, old, [data], None, tmp_path)
    assert (given, waiting) == (len(rows), 0)
    return old, new


def test_the_end_of_an_agreement_is_news_when_it_is_published(tmp_path):
    old, new = grown(tmp_path, row("G1", 28, deadline=40, ended=37, end_lag=2, end_kind="lapse"))
    assert new.as_of == np.datetime64(day(39))
    assert new.tables.agreements["end_kind"].tolist() == ["lapse"]
    assert old.tables.agreements["end_kind"].tolist() == [""]
    assert _gained(old, new) == gained_without_agreements(old, new)


def test_a_new_agreement_is_a_row_more(tmp_path):
    old, new = grown(tmp_path, row("G2", 34, "transaction", lag=1))
    assert new.as_of == np.datetime64(day(35))
    assert _gained(old, new) == gained_without_agreements(old, new) + 1


def gained_without_agreements(old, new):
    """Rows of the study itself that were published between both dates."""
    tables = ("indicators", "events", "talks")
    return sum(len(getattr(new.tables, n)) - len(getattr(old.tables, n)) for n in tables)
