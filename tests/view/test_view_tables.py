"""The terminal tells every target with its error, its base rate and its warnings."""

import copy
import io

import pytest
from rich.console import Console

from beliefs.forecasting.summary import summarise
from beliefs.reporting.style import percent
from beliefs.reporting.tables import headline, plain, read


def table(summary):
    """The headline of a terminal, on one line: a table breaks long texts, and pads them."""
    out = io.StringIO()
    Console(file=out, width=100, color_system=None).print(headline(summary))
    return " ".join(out.getvalue().split())


def line(summary):
    return " ".join(plain(summary).split())


both_forms = pytest.mark.parametrize("shown", [table, line])


@both_forms
def test_every_probability_stands_beside_its_base_rate(shown, summary):
    text = shown(summary)
    for item in summary["targets"]:
        assert percent(item["p"]) in text
        assert percent(item["base_rate"]) in text
        assert item["base_rate_source"] in text
    assert all(percent(belief["mean"]) in text for belief in summary["belief"])
    assert "Convergence check passed: R-hat 1.0040 (at most 1.01), ESS 812 (at least 400" in text


@both_forms
def test_what_prior_and_data_disagree_on_is_marked_and_explained(shown, summary):
    document = copy.deepcopy(summary) | {
        "reversed_weights": [{"term": "south:poll", "mean": -0.21, "p_other_sign": 0.97}]
    }
    for item in document["targets"]:
        item["prior_dominated"] = item["target"] == "talks"
        item["prior_data_conflict"] = item["target"] == "talks_rational"
    flags = {row.label: {cell.flags for cell in row.cells} for row in read(document).rows}
    assert flags["Talks are held"] == {"†"} and flags["Talks become rational"] == {"‡"}
    text = shown(document)
    assert "PRIOR-DOMINATED: 3 of" in text and "† governed by the prior" in text
    assert "PRIOR-DATA CONFLICT: 3 of" in text and "‡ prior and data pull" in text
    assert "OTHER SIGN" in text and "south:poll (-0.21, 97.0% sure)" in text
    for item in document["targets"]:
        item["prior_dominated"] = item["prior_data_conflict"] = False
    assert not {"†", "‡"} & set(shown(document))


@both_forms
def test_failed_checks_and_hindcast_are_said(shown, failed_futures, summary):
    text = shown(summarise(failed_futures))
    for words in (
        "HINDCAST",
        "FAILED CONVERGENCE CHECK",
        "Convergence check FAILED",
        "R-hat of rival_persistence is 1.234",
    ):
        assert words in text and words not in shown(summary)


@both_forms
def test_labels_are_never_read_as_markup_or_escape_codes(shown, summary):
    hostile = "[red]path[/red] \x1b[31mx\u202ey"
    text = shown(copy.deepcopy(summary) | {"interventions": [hostile]})
    assert "what if: [red]path[/red] [31mxy" in text
    assert "\x1b" not in text and "\u202e" not in text


def test_probability_is_never_shown_as_certain_or_impossible():
    shown = [percent(p) for p in (0.0, 0.0004, 0.0006, 0.5, 0.9994, 1.0)]
    assert shown == ["<0.1%", "<0.1%", "0.1%", "50.0%", "99.9%", ">99.9%"]
