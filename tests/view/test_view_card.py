"""Summaries of backtests, and the model card of them: no skill is said where there is none."""

from dataclasses import replace
from pathlib import Path

import model_card
import pandas as pd
import pytest
from backtests import KNOWN, Frame, run_folder, scores
from card import page as card
from evidence import backtest_folders, summarise_backtests

import beliefs
from beliefs.errors import StudyError
from beliefs.evaluation.scores.skilltable import skill_table

ROOT = Path(__file__).parents[2]
THEORIES = [beliefs.load_theory(name) for name in ("M0", "M1")]


def summary(folder, **said):
    (found,) = summarise_backtests([run_folder(folder / "a", scores(**said))])
    return found


def page_of(*summaries):
    return card.model_card([beliefs.load_study("us-civil-war")], THEORIES, summaries, ())


def first(page):
    """The first paragraph after the title."""
    return page.split("\n# Model card\n\n")[1].split("\n\n")[0]


@pytest.mark.parametrize(
    ("m0", "m1", "words"),
    [
        (0.5, 0.55, "no theory beats climatology on any target"),
        (0.5, KNOWN, "only here: M1 on `us-civil-war`, `talks` (7 days)"),
        (KNOWN, KNOWN, "No theory with beliefs is known"),  # what M0 does too is no credit to them
    ],
)
def test_the_first_paragraph_says_who_beats_climatology(m0, m1, words, tmp_path):
    text = first(page_of(summary(tmp_path, M0=m0, M1=m1)))
    assert words in text and "`talks` (7 days)" in text
    assert ("no theory beats" in text.lower()) == (KNOWN is not m1)
    assert "Not backtested" in first(page_of()) and "`us-civil-war`" in first(page_of())


def test_where_a_theory_loses_it_is_listed_as_a_failure(tmp_path):
    page = page_of(summary(tmp_path, M0=KNOWN, M1=1 - KNOWN))
    failed = page.split("## Where it fails")[1].split("\n## ")[0]
    assert "worse than climatology: M1 on `talks` (7 days)" in failed
    assert "worse than M0: M1 on `talks` (7 days)" in failed
    assert "outside their bands" in failed


def test_runs_of_another_study_or_theory_are_called_outdated(tmp_path):
    old = summary(tmp_path, M0=0.5)
    assert "**Outdated:** the study, M0 changed" in page_of(old)
    study = beliefs.load_study("us-civil-war")
    now = {"study_sha256": study.sha256, "theories": {"M0": THEORIES[0].sha256}}
    assert "Outdated" not in page_of(replace(old, about=old.about | now))


def test_the_card_in_docs_is_what_the_command_makes_of_the_kept_summaries():
    kept = (ROOT / "docs" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert model_card.card(model_card.KEPT) == kept
    assert list(model_card.KEPT.glob("backtests/*/summary.json"))


def test_theories_from_two_folders_are_paired_as_if_run_at_once(tmp_path):
    run_folder(tmp_path / "b", scores(M1=KNOWN))
    run_folder(tmp_path / "a", scores(M0=0.3))
    (found,) = summarise_backtests(backtest_folders(tmp_path))
    whole = skill_table(scores(M0=0.3, M1=KNOWN), Frame, 7, seed=1)
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
