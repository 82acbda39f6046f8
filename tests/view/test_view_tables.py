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


def test_what_prior_and_data_disagree_on_is_marked_and_explained(summary: dict[str, Any]) -> None:
    document = copy.deepcopy(summary) | {
        "reversed_weights": [{"term": "south:poll", "mean": -0.21, "p_other_sign": 0.97}]
    }
    for item in document["targets"]:
        item["prior_dominated"] = item["target"] == "talks"
        item["prior_data_conflict"] = item["target"] == "talks_rational"
    flags = {row.label: {cell.flags for cell in row.cells} for row in read(document).rows}
    assert flags["Talks are held"] == {"†"} and flags["Talks become rational"] == {"‡"}
    for text in map(spaced, (shown(document), plain(document))):
        assert "PRIOR-DOMINATED: 3 of" in text and "† governed by the prior" in text
        assert "PRIOR-DATA CONFLICT: 3 of" in text and "‡ prior and data pull" in text
        assert "OTHER SIGN" in text and "south:poll (-0.21, 97.0% sure)" in text
    for item in document["targets"]:
        item["prior_dominated"] = item["prior_data_conflict"] = False
    assert not {"†", "‡"} & set(plain(document))


def test_days_that_no_whole_period_holds_are_said(summary: dict[str, Any]) -> None:
    days = {"from": "2026-03-02", "to": "2026-03-04", "rows": {"events": 2}}
    for talks in ([], ["2026-03-03"]):
        document = summary | {"as_of": "2026-03-04", "left_out": {**days, "talks": talks}}
        for text in map(spaced, (shown(document), plain(document))):
            assert "UNFINISHED PERIOD: 2 March 2026 to 4 March 2026" in text
            assert "2 of events" in text and "counts from 2 March 2026" in text
            assert ("held on 3 March 2026" in text) == bool(talks)


def test_failed_checks_and_hindcast_are_said_first(
    failed_futures: Forecast, summary: dict[str, Any]
) -> None:
    document = summarise(failed_futures)
    for text in map(spaced, (shown(document), plain(document))):
        assert "HINDCAST" in text and "FAILED GATE" in text and "Gate FAILED" in text
        assert "R-hat of psi is 1.234" in text
    assert "HINDCAST" not in plain(summary) and "FAILED" not in plain(summary)


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
    told = [percent(p) for p in (0.0, 0.0004, 0.0006, 0.5, 0.9994, 1.0)]
    assert told == ["<0.1%", "<0.1%", "0.1%", "50.0%", "99.9%", ">99.9%"]
