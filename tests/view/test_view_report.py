"""The report holds every headline number, loads nothing, and is the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.summary import summarise
from beliefs.reporting.report import render, write_report
from beliefs.reporting.style import interval, percent, points, whole_percent

EVIL = "</script><img src=x onerror=alert(1)> & \"q\" '$x$' {{ 7*7 }}"


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def html(futures: Forecast, summary: dict[str, Any]) -> str:
    return render(futures, summary)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_report_holds_every_headline_number(page: Page, summary: dict[str, Any]) -> None:
    for item in summary["targets"]:
        assert percent(item["p"]) in page.text
        assert f"±{points(item['mcse'])}" in page.text
        assert f"base {percent(item['base_rate'])}" in page.text
        assert item["base_rate_source"] in page.text
    for belief in summary["belief"]:
        assert percent(belief["mean"]) in page.text
        assert interval(belief["lower"], belief["upper"]) in page.text
    for item in summary["reference"]:
        assert percent(item["base_rate"]) in page.text
    for item in summary["crack_grid"]:
        assert whole_percent(item["p"]) in page.text
    for value in (summary["study_sha256"], summary["theory_sha256"], summary["as_of"]):
        assert value in page.text
    assert "weight_own" in page.text and "TruncatedNormal(mu=0.3, sigma=0.3" in page.text
    assert "Everything in this folder is invented" in page.text


def test_report_loads_nothing(page: Page, html: str) -> None:
    loading = {"src", "srcset", "data", "poster", "action", "background", "ping"}
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img"}
        assert not loading & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    # Apart from the Plotly library itself, which fetches only for maps, no address at all.
    assert not re.search(r"(?:https?:)?//[a-z]", html.replace(get_plotlyjs(), ""))
    assert "@import" not in html.replace(get_plotlyjs(), "")


def test_policy_allows_exactly_the_two_scripts_of_the_page(page: Page) -> None:
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy is not None and "default-src 'none'" in policy
    kinds = [a.get("type") for tag, a in page.tags if tag == "script"]
    running = [t for t, kind in zip(page.scripts, kinds, strict=True) if kind is None]
    digests = [hashlib.sha256(t.encode()).digest() for t in running]
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    assert [base64.b64encode(d).decode() for d in digests] == allowed
    assert len(allowed) == 2 and "unsafe-inline" not in policy.split("style-src")[0]


def test_every_figure_has_its_data_beside_it(page: Page) -> None:
    drawn = {a["id"] for _, a in page.tags if "data-figure" in a}
    held = {a["id"] for tag, a in page.tags if tag == "script" and "id" in a}
    assert {f"{name}-data" for name in drawn} == held
    assert len(drawn) == 7
    assert all(json.loads(text)["data"] for text in page.scripts if text.startswith("{"))


def test_same_inputs_give_the_same_bytes(
    futures: Forecast, summary: dict[str, Any], html: str, tmp_path: Path
) -> None:
    path = write_report(futures, summary, tmp_path / "report.html")
    assert path.read_bytes() == html.encode("utf-8")
    assert path.stat().st_size < 8e6


@pytest.mark.parametrize("text", [EVIL, "<b>bold</b>", "--><svg onload=alert(1)>"])
def test_hostile_study_text_stays_text(
    hostile_futures: Callable[[str], Forecast], text: str
) -> None:
    futures = hostile_futures(text)
    page = Page(render(futures, summarise(futures)))
    assert text in page.text  # parsed back, it is the very characters
    assert not {"img", "b-"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert sum(tag == "script" for tag, _ in page.tags) == 9
    figures = [t for t in page.scripts if t.startswith("{")]
    assert all("<" not in t for t in figures)


def test_report_of_a_theory_without_beliefs_shows_talks_alone(
    base_rate_futures: Forecast,
) -> None:
    document = summarise(base_rate_futures)
    page = Page(render(base_rate_futures, document))
    assert "This theory has no beliefs" in page.text
    assert [a["id"] for _, a in page.tags if "data-figure" in a] == ["fig-talks"]
    assert "What moved them" not in page.text and "Scorecards" not in page.text
    for item in document["targets"]:
        assert percent(item["p"]) in page.text


def test_report_says_when_a_check_failed_and_when_it_is_a_hindcast(
    failed_futures: Forecast, page: Page
) -> None:
    bad = Page(render(failed_futures, summarise(failed_futures)))
    for words in ("Failed gate.", "R-hat of psi is 1.234", "Hindcast."):
        assert words in bad.text and words not in page.text


def test_report_shows_the_manifest_and_needs_no_study_folder(
    futures: Forecast, summary: dict[str, Any], tmp_path: Path
) -> None:
    study = replace(futures.posterior.study, path=tmp_path / "gone")
    moved = replace(futures, posterior=replace(futures.posterior, study=study))
    manifest = {"packages": {"pymc": "6.4"}, "platform": "<i>x</i>", "seeds": [1, 2]}
    page = Page(render(moved, summary, manifest))
    for words in ("packages.pymc", "6.4", "<i>x</i>", "1, 2"):
        assert words in page.text
    assert "SOURCES.md could not be read" in page.text
    assert str(tmp_path) not in page.text
