"""The model card says where there is no skill, by itself, and is what the command makes of runs."""

from dataclasses import replace
from pathlib import Path

import model_card
import pytest
from backtests import KNOWN, run_folder, scores
from card import page as card
from evidence import summarise_backtests

import beliefs

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
