"""A theory's name, id or file does wherever a theory is taken."""

import pytest

from beliefs.errors import StudyError
from beliefs.evaluation.backtest.backtest import backtest
from beliefs.evaluation.compare import compare
from beliefs.inference.nuts.fit import fit
from beliefs.inference.smc.blocks import track_blocks
from beliefs.inference.smc.track import track
from beliefs.model.theory import load_theory, theory_of
from beliefs.records.calibration import calibrate
from beliefs.study.load import load_study

STUDY = "synthetic-duel"


@pytest.mark.parametrize("name", ["M1", "mutual_optimism"])
def test_a_name_is_the_theory(name, tmp_path):
    theory = load_theory("M1")
    assert theory_of(name) == theory_of(theory) == theory


def test_a_track_by_name_is_that_of_the_theory():
    study = load_study(STUDY, as_of="2001-01-20")
    one, two = (track(study, t, particles=100, seed=1) for t in ("M0", load_theory("M0")))
    assert one.theory == two.theory and (one.evidence == two.evidence).all()


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


def test_names_are_compared_as_theories():
    with pytest.raises(StudyError, match="nothing to compare"):
        compare(load_study(STUDY), ["M0", "base_rate"], seed=1)
