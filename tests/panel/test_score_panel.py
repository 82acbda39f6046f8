"""The whole path of `score_panel`, on a panel of few conflicts: what a forecast may know."""

import csv
import shutil

import numpy as np
import pytest

from beliefs.evaluation.panel import BASELINES, HORIZONS, score_panel
from beliefs.inference.nuts.sampling import Sampling
from beliefs.study.bundled import data_folder

CONFLICTS = ("86", "224", "255", "260", "261", "294", "455", "462")
CUT, DAY = "255", "1974-01-10"  # Egypt and Israel after the war of October; rows from a day on


def panel_of(folder, keep):
    """Write the rows of `CONFLICTS` of the bundled crises that `keep(table, row)` keeps."""
    bundled = data_folder() / "panels" / "crises"
    folder.mkdir()
    for name in ("study.toml", "SOURCES.md", "LICENSE.md"):
        shutil.copy(bundled / name, folder / name)
    for path in bundled.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = [r for r in reader if r["conflict"] in CONFLICTS and keep(path.stem, r)]
        with (folder / path.name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, reader.fieldnames, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.mark.slow
def test_a_forecast_rests_on_other_conflicts_and_on_earlier_periods(tmp_path):
    def score(name, keep):
        folder = panel_of(tmp_path / name, keep)
        return score_panel(folder, ["M0"], folds=2, sampling=Sampling(60, 60, chains=2))

    def known(table, row):
        later = table in ("events", "talks") and row["conflict"] == CUT and row["date"] >= DAY
        return not later

    whole, part = score("whole", lambda table, row: True), score("part", known)
    mine = whole.place == CONFLICTS.index(CUT)
    before = np.cumsum(mine)[mine] <= np.argmax(whole.held[1][mine] != part.held[1][mine])
    assert 10 < before.sum() < mine.sum()
    for name in (*BASELINES, "M0"):
        for horizon in HORIZONS:
            p, q = (scores.p[name][horizon][mine] for scores in (whole, part))
            assert ((p > 0.0) & (p < 1.0)).all()
            np.testing.assert_allclose(p[before], q[before], rtol=1e-9)
    others = ~mine  # what is left out of one conflict moves what the others are taught
    assert not np.allclose(whole.p["M0"][1][others], part.p["M0"][1][others], rtol=1e-6)
    assert set(whole.as_dict()["within"]["1"]) == {*BASELINES, "M0"}
