"""Summaries of backtests hold what one run of all theories would have held, or say why not."""

import pandas as pd
import pytest
from backtests import DAYS, KNOWN, run_folder, scores
from evidence import backtest_folders, summarise_backtests

from beliefs.errors import StudyError
from beliefs.evaluation.scores.skilltable import skill_table


class Both:
    theories = ("M0", "M1")
    origins = DAYS.to_numpy("datetime64[D]")


def test_theories_from_two_folders_are_paired_as_if_run_at_once(tmp_path):
    run_folder(tmp_path / "b", scores(M1=KNOWN))
    run_folder(tmp_path / "a", scores(M0=0.3))
    (found,) = summarise_backtests(backtest_folders(tmp_path))
    whole = skill_table(scores(M0=0.3, M1=KNOWN), Both, 7, seed=1)
    keys = ["forecaster", "against", "score"]
    pd.testing.assert_frame_equal(
        found.skill.sort_values(keys, ignore_index=True), whole.sort_values(keys, ignore_index=True)
    )
    assert ("M1", "M0") in set(zip(found.skill["forecaster"], found.skill["against"], strict=True))


def refused(folders):
    with pytest.raises(StudyError) as caught:
        summarise_backtests(folders)
    return caught.value


def test_scores_changed_after_the_run_are_refused(tmp_path):
    folder = run_folder(tmp_path / "a", scores(M0=0.3))
    file = folder / "scores.csv"
    file.write_text(file.read_text().replace("0.3", "0.4", 1))
    assert "hash" in refused([folder]).found


@pytest.mark.parametrize(
    ("key", "value"), [("seed", 2), ("study_sha256", "3" * 64), ("particles", 200), ("every", 14)]
)
def test_folders_with_other_settings_are_not_paired(tmp_path, key, value):
    one = run_folder(tmp_path / "a", scores(M0=0.3))
    other = run_folder(tmp_path / "b", scores(M1=KNOWN), **{key: value})
    assert key in refused([one, other]).found


def test_baselines_that_differ_between_folders_are_refused(tmp_path):
    other = scores(M1=KNOWN)
    other.loc[other["forecaster"] == "climatology", "log"] += 0.1
    folders = [run_folder(tmp_path / "a", scores(M0=0.3)), run_folder(tmp_path / "b", other)]
    assert "baseline" in refused(folders).found
