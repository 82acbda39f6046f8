"""The whole path of `score_panel`, on a panel of few conflicts: what a forecast may know."""

import shutil
from itertools import product

import numpy as np
import pandas as pd
import pytest

from beliefs import Sampling
from beliefs.evaluation.panel import BASELINES, NEXT, score_panel
from beliefs.study.bundled import data_folder

CONFLICTS = ("86", "224", "255", "260", "261", "294", "455", "462")
CUT, DAY = "255", "1974-01-10"  # Egypt and Israel after the war of October; rows from a day on


def panel_of(folder, keep):  # crises, of `CONFLICTS` alone and of rows that are kept
    shutil.copytree(data_folder() / "panels" / "crises", folder)
    for path in folder.glob("*.csv"):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        rows = rows[rows["conflict"].isin(CONFLICTS)]
        rows[[keep(path.stem, row) for _, row in rows.iterrows()]].to_csv(path, index=False)
    return folder


@pytest.mark.slow
def test_a_forecast_rests_on_other_conflicts_and_on_earlier_periods(tmp_path):
    def score(name, keep):
        folder, few = panel_of(tmp_path / name, keep), Sampling(60, 60, chains=2)
        return score_panel(folder, ["M0"], folds=2, seed=1, sampling=few)

    whole = score("whole", lambda table, row: True)
    part = score("part", lambda table, row: row["conflict"] != CUT or row.get("date", "") < DAY)
    mine = whole.place == CONFLICTS.index(CUT)
    before = np.cumsum(mine)[mine] <= np.argmax(whole.held[NEXT][mine] != part.held[NEXT][mine])
    assert 10 < before.sum() < mine.sum()
    for name, key in product((*BASELINES, "M0"), whole.held):
        p, q = (scores.p[name][key][mine] for scores in (whole, part))
        assert ((p > 0.0) & (p < 1.0)).all()
        np.testing.assert_allclose(p[before], q[before], rtol=1e-9)
    # What is left out of one conflict moves what the others are taught.
    assert not np.allclose(*(s.p["M0"][NEXT][~mine] for s in (whole, part)), rtol=1e-6)
    rows = whole.as_dict()["within"]
    assert set(rows["agreement"]["52"]) == {*BASELINES, "M0"}
    names = ("M0, own priors", "M0, as priors", "M0")
    own, prior, mine = (rows["talks"]["1"][name]["over_online"]["nats"] for name in names)
    assert own < min(prior, mine)  # the others taught it
    assert whole.checks["M0"]["failures"]  # of sixty draws
