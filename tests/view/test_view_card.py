"""The model card says where there is no skill, by itself, and is what the command makes of runs."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path

import pytest
from backtests import KNOWN, run_folder, scores
from evidence import CalibrationSummary, summarise_backtests

import beliefs
from beliefs.reporting import card, card_skill
from beliefs.reporting.card_calibration import calibration_lines, reason

ROOT = Path(__file__).parents[2]
THEORIES = [beliefs.load_theory(name) for name in ("M0", "M1")]


def summary(folder, **said):
    (found,) = summarise_backtests([run_folder(folder, scores(**said))])
    return found


def first(page):
    """The first paragraph after the title."""
    return page.split("\n# Model card\n\n")[1].split("\n\n")[0]


def page_of(*summaries, calibrations=()):
    study = beliefs.load_study("us-civil-war")
    return card.model_card([study], THEORIES, summaries, calibrations)


def test_the_first_paragraph_says_where_no_theory_beats_climatology(tmp_path):
    said = first(page_of(summary(tmp_path / "a", M0=0.5, M1=0.55)))
    assert "no theory beats climatology on any target" in said and "`talks` (7 days)" in said
    assert "No theory with beliefs" in said


def test_a_theory_that_knows_what_comes_is_said_to_win(tmp_path):
    said = first(page_of(summary(tmp_path / "a", M0=0.5, M1=KNOWN)))
    assert "climatology is beaten on `talks` (7 days) by M1" in said
    assert "only here: M1 on `us-civil-war`, `talks` (7 days)" in said
    assert "no theory beats" not in said.lower()


def test_constant_rates_that_win_are_no_credit_to_beliefs(tmp_path):
    said = first(page_of(summary(tmp_path / "a", M0=KNOWN, M1=KNOWN)))
    assert "beaten on `talks` (7 days) by M0, M1" in said
    assert "No theory with beliefs is known" in said


def test_a_study_without_backtest_is_named(tmp_path):
    assert "Not backtested" in first(page_of()) and "`us-civil-war`" in first(page_of())


def test_a_theory_that_was_not_backtested_is_named(tmp_path):
    assert "Not backtested on `us-civil-war`: M1." in first(
        page_of(summary(tmp_path / "a", M0=0.5))
    )


def test_where_a_theory_loses_it_is_listed_as_a_failure(tmp_path):
    page = page_of(summary(tmp_path / "a", M0=KNOWN, M1=1 - KNOWN))
    failed = page.split("## Where it fails")[1].split("\n## ")[0]
    assert "worse than climatology: M1 on `talks` (7 days)" in failed
    assert "worse than M0: M1 on `talks` (7 days)" in failed
    assert "outside their bands" in failed


def test_runs_of_another_study_or_theory_are_called_outdated(tmp_path):
    old = summary(tmp_path / "a", M0=0.5)
    assert "**Outdated:** the study, M0 changed" in page_of(old)
    study = beliefs.load_study("us-civil-war")
    told = {"study_sha256": study.sha256, "theories": {"M0": THEORIES[0].sha256}}
    assert "Outdated" not in page_of(replace(old, about=old.about | told))


QUANTITY = {"name": "forecast:x", "p": 0.001, "adjusted": 0.5, "outside": True}


@pytest.mark.parametrize(
    ("mean", "spread", "words"),
    [
        (0.5, 1.3, "too narrow"), (0.5, 0.7, "too wide"), (0.6, 1.0, "above the draws"),
        (0.4, 1.0, "below the draws"), (0.5, 1.0, "shape alone"),
    ],
)  # fmt: skip
def test_the_reason_is_read_off_mean_and_spread_of_the_ranks(mean, spread, words):
    told = {"simulations": 200, "coverage": 0.99, "judged": 40, "outside": ["forecast:x"]}
    row = QUANTITY | {"mean": mean, "spread": spread}
    assert words in reason(row, told) and "no more than chance" in reason(row, told)
    assert "; more than chance" in reason(row | {"adjusted": 0.001}, told)
    assert "8 of 40 outside, hardly chance" in reason(row, told | {"outside": list("abcdefgh")})


def test_theories_without_calibration_and_with_few_simulations_are_named():
    told = {
        "theory": "base_rate", "study": "s", "as_of": "2026-05-01", "simulations": 20,
        "particles": 100, "judged": 1, "passed": True, "failed": {}, "outside": ["forecast:x"],
        "outside_by_chance": 0.01, "coverage": 0.99, "cut": "cut",
        "quantities": [QUANTITY | {"mean": 0.5, "spread": 1.0}],
    }  # fmt: skip
    lines = "\n".join(calibration_lines([CalibrationSummary(told, {})], THEORIES))
    assert "**Not calibrated:** M1 `mutual_optimism`" in lines
    assert "Fewer than 200 simulations: M0 20" in lines and "`forecast:x`" in lines


def test_prose_that_is_always_the_same_holds_no_figures():
    for text in (card._PURPOSE, card._KEEP_AWAY, card._LIMITS):
        assert not re.search(r"\d", text)


def test_a_cell_says_nothing_where_nothing_can_be_said():
    row = {"difference": 0.5, "low": 0.1, "high": 0.9}
    assert card_skill._cell(row, False).endswith("*")
    assert card_skill._cell(row, True).endswith("?")
    assert card_skill._cell(row | {"low": float("nan")}, False) == "+0.50 ?"


def test_the_card_in_docs_is_what_the_command_makes_of_the_kept_summaries():
    path = ROOT / "scripts" / "model_card.py"
    spec = importlib.util.spec_from_file_location("model_card", path)
    command = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(command)
    kept = (ROOT / "docs" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert command.card(command.KEPT) == kept
    assert list(command.KEPT.glob("backtests/*/summary.json"))
