"""A theory's name, id or file does wherever a theory is taken."""

import pytest

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.backtest import backtest
from beliefs.evaluation.compare import compare
from beliefs.inference.nuts.fit import fit
from beliefs.inference.smc.blocks import track_blocks
from beliefs.inference.smc.track import track
from beliefs.records.evaluations import calibrate
from beliefs.study.load import load_study

STUDY = "synthetic-duel"


@pytest.mark.parametrize(
    "asked",
    [
        lambda study, out: fit(study, "M9", seed=1),
        lambda study, out: track(study, "M9", seed=1),
        lambda study, out: track_blocks(study, "M9", seed=1),
        lambda study, out: compare(study, ["M0", "M9"], seed=1),
        lambda study, out: backtest(study, ["M9"], seed=1),
        lambda study, out: calibrate("M9", study, out, sims=1, seed=1),
    ],
)
def test_every_door_looks_names_up(asked, tmp_path):
    with pytest.raises(StudyError, match="no such theory"):
        asked(load_study(STUDY), tmp_path / "out")
