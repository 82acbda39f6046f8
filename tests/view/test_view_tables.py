"""The terminal tells every target with its error, its yardstick and its warnings."""

from __future__ import annotations

import copy
import io
from typing import Any

from rich.console import Console

from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.summary import summarise
from beliefs.reporting.style import percent
from beliefs.reporting.tables import headline, plain, read


def spaced(text: str) -> str:
    """Text on one line: a table breaks long ones, and pads them."""
    return " ".join(text.split())


def shown(summary: dict[str, Any], width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(headline(summary))
    return out.getvalue()


def test_both_forms_hold_every_probability_beside_its_base_rate(summary: dict[str, Any]) -> None:
    for text in (shown(summary), plain(summary)):
        for item in summary["targets"]:
            assert percent(item["p"]) in text
            assert percent(item["base_rate"]) in text
            assert item["base_rate_source"] in spaced(text)
        for belief in summary["belief"]:
            assert percent(belief["mean"]) in text
        assert "Gate passed: R-hat 1.0040 (at most 1.01), ESS 812 (at least 400" in " ".join(
            text.split()
        )


def test_plain_puts_each_window_in_its_own_lines(summary: dict[str, Any]) -> None:
    text = plain(summary)
    assert text.index("by 2026-02-07 (7 days):") < text.index("by 2026-03-02 (30 days):")
    assert text.count("South cracks first") == 0  # ids, as in the document
    assert text.count("south cracks first") == 3
    assert "\x1b" not in text


def test_prior_dominated_probabilities_are_flagged_and_explained(summary: dict[str, Any]) -> None:
    document = copy.deepcopy(summary)
    for item in document["targets"]:
        item["prior_dominated"] = item["target"] == "talks"
    rows = {row.label: row for row in read(document).rows}
    assert {cell.flags for cell in rows["Talks are held"].cells} == {"†"}
    assert {cell.flags for cell in rows["Talks become rational"].cells} == {""}
    for text in (shown(document), plain(document)):
        assert "PRIOR-DOMINATED: 3 of" in text
        assert "† governed by the prior" in text
    for item in document["targets"]:
        item["prior_dominated"] = False
    assert "†" not in plain(document) and "PRIOR-DOMINATED" not in shown(document)


def test_conflicts_with_the_prior_and_weights_of_the_other_sign_are_said(
    summary: dict[str, Any],
) -> None:
    document = copy.deepcopy(summary) | {
        "reversed_weights": [{"term": "south:poll", "mean": -0.21, "p_other_sign": 0.97}]
    }
    for item in document["targets"]:
        item["prior_dominated"] = False
        item["prior_data_conflict"] = item["target"] == "talks"
    rows = {row.label: row for row in read(document).rows}
    assert {cell.flags for cell in rows["Talks are held"].cells} == {"‡"}
    for text in map(spaced, (shown(document), plain(document))):
        assert "PRIOR-DATA CONFLICT: 3 of" in text and "‡ prior and data pull" in text
        assert "OTHER SIGN" in text and "south:poll (-0.21, 97.0% sure)" in text
    for text in (shown(summary), plain(summary)):
        assert "OTHER SIGN" not in text


def test_days_that_no_whole_period_holds_are_said(summary: dict[str, Any]) -> None:
    days = {"from": "2026-03-02", "to": "2026-03-04", "rows": {"events": 2}}
    for talks in ([], ["2026-03-03"]):
        document = summary | {"as_of": "2026-03-04", "left_out": {**days, "talks": talks}}
        for text in map(spaced, (shown(document), plain(document))):
            assert "UNFINISHED PERIOD: 2 March 2026 to 4 March 2026" in text
            assert "2 of events" in text and "counts from 2 March 2026" in text
            assert ("held on 3 March 2026" in text) == bool(talks)


def test_failed_gate_and_hindcast_are_shouted(failed_futures: Forecast) -> None:
    document = summarise(failed_futures)
    for text in (shown(document), plain(document)):
        flat = " ".join(text.split())
        assert "HINDCAST" in flat
        assert "FAILED GATE" in flat and "R-hat of psi is 1.234" in flat
        assert "Gate FAILED" in flat


def test_sound_forecast_carries_no_such_warning(summary: dict[str, Any]) -> None:
    text = plain(summary)
    assert "HINDCAST" not in text and "FAILED" not in text


def test_theory_without_beliefs_shows_talks_alone(base_rate_futures: Forecast) -> None:
    document = summarise(base_rate_futures)
    for text in (shown(document), plain(document)):
        assert "no beliefs" in text
        assert "Talks are held" in text
        assert "cracks" not in text.replace("about cracks", "")


def test_labels_are_never_read_as_markup_or_escape_codes(summary: dict[str, Any]) -> None:
    document = copy.deepcopy(summary) | {"interventions": ["[red]path[/red] \x1b[31mx\u202ey"]}
    for text in (shown(document), plain(document)):
        assert "what if: [red]path[/red] [31mxy" in text
        assert "\x1b" not in text and "\u202e" not in text


def test_probability_is_never_shown_as_certain_or_impossible() -> None:
    assert [percent(p) for p in (0.0, 0.0004, 0.0006, 0.5, 0.9994, 1.0)] == [
        "<0.1%",
        "<0.1%",
        "0.1%",
        "50.0%",
        "99.9%",
        ">99.9%",
    ]
