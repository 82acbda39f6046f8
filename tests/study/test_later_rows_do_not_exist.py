"""A bundled study as of a date is the same whether or not the rows published later are there."""

import csv
import shutil

import numpy as np
import pytest

from beliefs.study.bundled import data_folder
from beliefs.study.inputs import build_inputs
from beliefs.study.load import load_study

SHARES = (0.02, 0.1, 0.3, 0.6, 0.9)
STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel")


def published(row, lags):
    if row.get("published_at"):
        return row["published_at"]
    day = np.datetime64(row.get("date") or row["start"])
    return str(day + np.timedelta64(lags.get(row.get("indicator"), 0), "D"))


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
    copy = shutil.copytree(data_folder() / name, tmp_path / "copy")
    lags = {i.id: i.publication_lag for i in whole.spec.indicators}
    dropped = 0
    for table in ("indicators", "events", "talks", "agreements"):
        file = copy / f"{table}.csv"
        if not file.exists():
            continue
        with file.open(newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            columns, rows = reader.fieldnames, list(reader)
        kept = [row for row in rows if published(row, lags) <= day]
        dropped += len(rows) - len(kept)
        for row in kept:
            if row.get("end_published_at", "") > day:
                row |= {"ended": "", "end_published_at": "", "end_kind": ""}
        with file.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
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
