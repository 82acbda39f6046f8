"""Claims beside the evidence: rows, figures and the page of the report."""

import json

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.evaluation.compare import compared
from beliefs.evaluation.scores.skill import SHARED
from beliefs.model.theory import load_theory
from beliefs.reporting.claims import claim_groups, read_verdicts
from beliefs.reporting.plots import plot_verdicts, plot_weights
from beliefs.reporting.report import render
from beliefs.study.load import load_study

ROWS = [
    {
        "id": "X01", "seed": "First text", "author": "A", "title": "Talks <help>", "claimed": "> 0",
        "verdict": "supported", "p_claim": 0.97, "p_prior": 0.5, "contraction": 0.31,
        "delta_log_score": 1.25, "delta_low": -0.5, "delta_high": 2.0,
        "sentence": "Talks help a lot.",
    },
    {
        "id": "X02", "seed": "Second text", "author": "B", "title": "A hotline helps",
        "claimed": "< 0", "verdict": "not learnable here", "p_claim": None, "p_prior": None,
        "contraction": None, "delta_log_score": None, "delta_low": None, "delta_high": None,
        "sentence": "No hotline was seen.",
    },
]  # fmt: skip

ABOUT = {"study": "small", "study_sha256": "0", "as_of": "2026-03-01"}


def test_rows_stand_by_text():
    first, second = claim_groups(ROWS)
    assert first["seed"] == "First text" and first["count"] == "1 supported"
    claim = first["claims"][0]
    assert claim["p"] == "97%" and claim["score"] == "+1.2 (−0.5 to +2.0)"
    assert second["claims"][0]["p"] == "–" and second["claims"][0]["score"] == "–"


def test_the_report_shows_claims_beside_the_evidence(futures, summary):
    page = render(futures, summary, None, ROWS)
    assert "What the texts claim, beside the evidence" in page
    assert "Talks &lt;help&gt;" in page and "Talks <help>" not in page
    assert "No hotline was seen." in page and 'href="#claims"' in page
    assert "What the texts claim" not in render(futures, summary)


def test_a_file_of_verdicts_is_read(tmp_path):
    file = tmp_path / "verdicts.json"
    file.write_text(json.dumps({"study_sha256": "0", "verdicts": ROWS}), encoding="utf-8")
    assert read_verdicts(file, ABOUT) == ROWS
    with pytest.raises(StudyError, match="another study"):
        read_verdicts(file, {**ABOUT, "study_sha256": "1"})


@pytest.mark.parametrize("text", ["", "[]", '{"verdicts": [{"id": 1}]}', '{"verdicts": 3}', "{"])
def test_another_file_is_refused(tmp_path, text):
    file = tmp_path / "verdicts.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="no file of verdicts"):
        read_verdicts(file, ABOUT)


def test_the_figure_of_verdicts_has_a_point_for_each_that_has_a_probability():
    ax = plot_verdicts(ROWS)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["X01"]


def test_weights_are_drawn_for_every_theory():
    rng = np.random.default_rng(1)
    theories = [load_theory(name) for name in ("M0", "M1", "M4")]
    dates = np.datetime64("2025-12-01") + np.arange(100)
    found = compared(
        rng.normal(size=(3, len(SHARED), 100)), theories,
        study="made-up", dates=dates, step_days=1, seed=1,
    )  # fmt: skip
    ax = plot_weights(found, load_study("us-iran-2026"))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "M0 Base rate", "M1 Mutual optimism", "M4 Commitment problem",
    ]  # fmt: skip
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == len(found.periods)]
    np.testing.assert_allclose(sum(line.get_ydata() for line in lines), 1.0)
