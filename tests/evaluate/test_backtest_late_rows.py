"""No origin of a backtest knows of readings and talks that had not come out by then."""

import numpy as np
import pandas as pd
import pytest
from make_conduct import acts, write_conduct
from make_study import day, event, talk, talk_rows

from beliefs.evaluation.backtest.backtest import backtest
from beliefs.evaluation.backtest.questions import quantities, questions
from beliefs.evaluation.scores.scorecard import climatology
from beliefs.features.inputs import build_inputs
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

SMALL = {"particles": 100, "draws": 50, "seed": 1, "horizons": (7,), "every": 7}
OUT = 45
THEORIES = [load_theory(name) for name in ("M0", "M1")]


def late_rows(signal=-2, kind="direct"):
    """A memorandum and a secret round of the first days, and a round of an origin's window."""
    memo = event("MEMO", 8, initiator="north", kind="doubt_admission", severity="", signal=signal,
                 lag=OUT - 8)  # fmt: skip
    talks = [talk("S1", 10, length=2, lag=OUT - 10, form=kind), talk("S2", 44, lag=1, form=kind)]
    return [memo], talks


def backtested(folder, memo=(), talks=()):
    write_conduct(folder, events=[*acts(), *memo], talks=[*talk_rows(), *talks])
    return backtest(load_study(folder), THEORIES, **SMALL)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return backtested(tmp_path_factory.mktemp("late") / "small", *late_rows())


@pytest.mark.parametrize("how", ["deleted", "permuted"])
def test_origins_before_publication_are_the_same_bit_for_bit(found, how, tmp_path):
    rows = ((), ()) if how == "deleted" else late_rows(signal=2, kind="none")
    other = backtested(tmp_path / "other", *rows)
    early = found.frame.origins < np.datetime64(day(OUT))
    assert 0 < early.sum() < len(early)
    targets = [found.frame.targets.index(t) for t in other.frame.targets]
    for name in ("when", "total"):
        one, two = getattr(found.frame, name), getattr(other.frame, name)
        one = one[:, :, targets] if name == "when" else one
        np.testing.assert_array_equal(one[:, early], two[:, early], err_msg=name)
    assert not np.array_equal(found.frame.when[:, ~early], other.frame.when[:, ~early])
    # Climatology and persistence do not know of them; what came of a window is by dates of talks.
    keys = ["origin", "horizon", "target", "forecaster"]
    scores = [b.scores[b.scores["origin"] < np.datetime64(day(OUT))] for b in (found, other)]
    both = pd.merge(*scores, on=keys, validate="one_to_one")
    assert len(both) == len(scores[0]) > 0
    assert (both["p_x"] == both["p_y"]).all()
    talks = both[(both["target"] == "talks") & (both["origin"] == np.datetime64(day(41)))]
    assert (talks["came_x"] == 1.0).all() and (talks["came_y"] == 0.0).all() and len(talks)


def test_climatology_knows_of_secret_talks_once_they_are_out(tmp_path):
    folders = [
        write_conduct(tmp_path / name, events=acts(), talks=[*talk_rows(), *more])
        for name, more in (("a", []), ("b", late_rows()[1]))
    ]
    asked, counted = [], []
    for folder in folders:
        study = load_study(folder)
        inputs = build_inputs(study)
        asked.append(questions(study, inputs)[0])
        counted.append(quantities(study, inputs)[0])
    for n in (20, OUT):
        np.testing.assert_array_equal(*(q.known(n) for q in asked))
        np.testing.assert_array_equal(*(q.known(n) for q in counted))
        np.testing.assert_array_equal(*(climatology(q, n, 7) for q in asked))
    one, two = (q.known(OUT + 1) for q in asked)
    assert np.flatnonzero(one != two).tolist() == [10, 11, 12, 44]
    assert climatology(asked[1], OUT + 1, 7)[-1] > climatology(asked[0], OUT + 1, 7)[-1]
