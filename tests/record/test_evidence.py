"""Summaries of backtests hold what one run of all theories would have held, or say why not."""

import json

import numpy as np
import pandas as pd
import pytest
from backtests import DAYS, KNOWN, run_folder, scores
from evidence import (
    backtest_folders,
    read_backtest_summary,
    read_calibration,
    summarise_backtests,
    write_backtest_summary,
    write_calibration_summary,
)

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
        found.skill.sort_values(keys, ignore_index=True),
        whole.sort_values(keys, ignore_index=True),
    )
    assert ("M1", "M0") in set(zip(found.skill["forecaster"], found.skill["against"], strict=True))


def test_what_is_written_is_read_again(tmp_path):
    (found,) = summarise_backtests([run_folder(tmp_path / "a", scores(M0=0.3, M1=KNOWN))])
    write_backtest_summary(found, tmp_path / "kept")
    again = read_backtest_summary(tmp_path / "kept")
    assert again.about == found.about
    pd.testing.assert_frame_equal(again.skill, found.skill, rtol=1e-5, check_dtype=False)
    pd.testing.assert_frame_equal(again.reliability, found.reliability, rtol=1e-5)


def refused(folders):
    with pytest.raises(StudyError) as caught:
        summarise_backtests(folders)
    return caught.value


def test_scores_changed_after_the_run_are_refused(tmp_path):
    folder = run_folder(tmp_path / "a", scores(M0=0.3))
    file = folder / "scores.csv"
    file.write_text(file.read_text().replace("0.3", "0.4", 1))
    assert "hash" in refused([folder]).found


def test_rows_without_a_spell_are_refused(tmp_path):
    table = scores(M0=0.3).assign(spell=np.nan)
    assert "spell" in refused([run_folder(tmp_path / "a", table)]).found


@pytest.mark.parametrize(
    ("key", "value"), [("seed", 2), ("study_sha256", "3" * 64), ("particles", 200), ("every", 14)]
)
def test_folders_with_other_settings_are_not_paired(tmp_path, key, value):
    one = run_folder(tmp_path / "a", scores(M0=0.3))
    other = run_folder(tmp_path / "b", scores(M1=KNOWN), **{key: value})
    assert key in refused([one, other]).found


def test_a_theory_that_was_run_twice_is_refused(tmp_path):
    folders = [run_folder(tmp_path / name, scores(M0=p)) for name, p in (("a", 0.3), ("b", 0.4))]
    assert refused(folders).found == "M0"


def test_yardsticks_that_differ_between_folders_are_refused(tmp_path):
    other = scores(M1=KNOWN)
    other.loc[other["forecaster"] == "climatology", "log"] += 0.1
    folders = [run_folder(tmp_path / "a", scores(M0=0.3)), run_folder(tmp_path / "b", other)]
    assert "yardstick" in refused(folders).found


def test_half_written_folders_are_passed_over(tmp_path):
    run_folder(tmp_path / ".a.beliefs.part", scores(M0=0.3))
    done = run_folder(tmp_path / "b", scores(M0=0.3))
    assert backtest_folders(tmp_path) == [done]


def test_a_calibration_whose_ranks_are_not_those_judged_is_refused(tmp_path):
    place = tmp_path / "c"
    place.mkdir()
    judged = [{"name": "x", "mean": 0.5}, {"name": "probability:war", "mean": None}]
    told = json.dumps({"format": 1, "simulations": 2, "quantities": judged})
    (place / "calibration.json").write_text(told)
    (place / "ranks.csv").write_text("simulation,x\n0,5\n1,7\n")
    found = read_calibration(place)
    assert found.ranks["x"].tolist() == [5, 7]
    write_calibration_summary(found, tmp_path / "kept")
    assert read_calibration(tmp_path / "kept").told == found.told
    (place / "ranks.csv").write_text("simulation,x\n0,5\n")
    with pytest.raises(StudyError):
        read_calibration(place)
