"""The report holds every headline number, loads nothing, and is the same bytes every time."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs
from posteriors import PASSED, small_posterior

from beliefs import forecast, summarise
from beliefs.reporting.report import MAX_CHARS, as_html, render, write_report
from beliefs.reporting.style import interval, percent, points

EVIL = "</script><img src=x onerror=a> & \"q\" '$x$' {{ 7*7 }} <b>bold</b> --><svg onload=a>"
BROWSER = next(filter(shutil.which, ("chromium", "chromium-browser", "google-chrome")), None)


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.scripts, self.text, self.inside = [], [], "", ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += data


@pytest.fixture(scope="module")
def html(futures, summary):
    return render(futures, summary)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_report_holds_every_headline_number(page, summary):
    for item in summary["targets"]:
        assert f"{percent(item['p'])}±{points(item['mcse'])}" in re.sub("[†‡]", "", page.text)
        assert f"base {percent(item['base_rate'])}" in page.text
    for belief in summary["belief"]:
        assert interval(belief["lower"], belief["upper"]) in page.text
    assert all(percent(item["base_rate"]) in page.text for item in summary["reference"])
    assert all(percent(item["p"], 0) in page.text for item in summary["crack_grid"])
    for value in (summary["study_sha256"], summary["theory_sha256"], summary["as_of"]):
        assert value in page.text
    assert "weight_own" in page.text and "TruncatedNormal(mu=0.3, sigma=0.3" in page.text
    assert "Everything in this folder is invented" in page.text


def test_report_loads_nothing(page, html):
    loading = {"src", "srcset", "data", "poster", "action", "background", "ping"}
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img"}
        assert not loading & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    # Apart from the Plotly library itself, which fetches only for maps, no address at all.
    own = html.replace(get_plotlyjs(), "")
    assert not re.search(r"(?:https?:)?//[a-z]", own) and "@import" not in own


def test_policy_allows_exactly_the_two_scripts_of_the_page(page):
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    kinds = [a.get("type") for tag, a in page.tags if tag == "script"]
    running = [t for t, kind in zip(page.scripts, kinds, strict=True) if kind is None]
    digests = [hashlib.sha256(t.encode()).digest() for t in running]
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    assert [base64.b64encode(d).decode() for d in digests] == allowed
    assert len(allowed) == 2 and "unsafe-inline" not in policy.split("style-src")[0]


def visited(html, folder):
    """The page as a browser leaves it, what its console says, and the addresses it requests."""
    file, log = folder / "page.html", folder / "net.json"
    file.write_text(html, encoding="utf-8")
    flags = (
        "headless", "no-sandbox", "disable-gpu", "no-first-run", "enable-logging=stderr",
        f"user-data-dir={folder / 'profile'}", f"log-net-log={log}",
        "virtual-time-budget=20000", "dump-dom",
    )  # fmt: skip
    command = [BROWSER, *(f"--{flag}" for flag in flags), file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    sent = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    # Requests of the browser itself come from no origin.
    sent = {p["url"] for p in sent if p.get("initiator", "not an origin") != "not an origin"}
    return done.stdout, re.findall(r"CONSOLE.*", done.stderr), sent


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no browser")
def test_a_browser_draws_every_figure_and_requests_nothing(html, page, tmp_path):
    left, console, sent = visited(html, tmp_path)
    figures = [a["id"] for _, a in page.tags if "data-figure" in a]
    drawn = re.split(r'<div[^>]* id="(fig-[^"]+)"[^>]* data-figure', left)[1:]
    assert drawn[::2] == figures and all('class="main-svg"' in part for part in drawn[1::2])
    assert (console, sent) == ([], set())
    _, console, sent = visited("<img src=http://x.invalid/y><script>no()</script>", tmp_path)
    assert len(console) == 1 and sent == {"http://x.invalid/y"}


def test_same_inputs_give_the_same_bytes(futures, summary, html, tmp_path):
    path = write_report(futures, summary, tmp_path / "report.html")
    assert path.read_bytes() == html.encode("utf-8")
    assert path.stat().st_size < 8e6


def test_hostile_study_text_stays_text(hostile_futures):
    futures = hostile_futures(EVIL)
    page = Page(render(futures, summarise(futures)))
    assert EVIL in page.text  # parsed back, it is the very characters
    assert not {"img", "b-"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert sum(tag == "script" for tag, _ in page.tags) == 9
    assert all("<" not in t for t in page.scripts if t.startswith("{"))


def test_report_of_a_theory_without_beliefs_shows_talks_alone(rich_folder):
    posterior = small_posterior(rich_folder, "base_rate", size=(2, 100), report=PASSED)
    futures = forecast(posterior, 35, seed=5, actions=False)
    document = summarise(futures)
    page = Page(render(futures, document))
    assert "This theory has no beliefs" in page.text
    assert [a["id"] for _, a in page.tags if "data-figure" in a] == ["fig-talks"]
    assert "What moved them" not in page.text and "Scorecards" not in page.text
    assert all(percent(item["p"]) in page.text for item in document["targets"])


def test_report_shows_manifest_and_warnings_and_needs_no_study_folder(failed_futures, tmp_path):
    posterior = failed_futures.posterior
    study = replace(posterior.study, path=tmp_path / "gone")
    moved = replace(failed_futures, posterior=replace(posterior, study=study))
    manifest = {"packages": {"pymc": "6.4"}, "platform": "<i>x</i>", "seeds": [1, 2]}
    page = Page(render(moved, summarise(moved), manifest))
    for words in ("packages.pymc", "6.4", "<i>x</i>", "1, 2", "SOURCES.md could not be read"):
        assert words in page.text
    for words in ("Failed convergence check.", "R-hat of rival_persistence is 1.234", "Hindcast."):
        assert words in page.text
    assert str(tmp_path) not in page.text


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script> [a](javascript:b)", "![i](http://x/y.png)", "<http://x.y>",
        "<div onload=x>\n\n</div>", "[a]: http://x.y\n\n[a]", "&lt;b&gt; \u202e x",
        "```<script>\nx\n```",
    ],
)  # fmt: skip
def test_html_links_and_images_of_sources_stay_characters(text):
    assert not re.search(r"<(?!/?(?:p|pre|code)\b)|href|src=[^h]|\u202e", as_html(text))


@pytest.mark.parametrize("unit", ["*a_", "[", "`", "> ", "- ", "|a|b|\n", "\\"])
def test_no_text_of_sources_takes_long(unit):
    start = time.process_time()
    as_html(unit * (MAX_CHARS // len(unit)))
    assert time.process_time() - start < 10.0  # of the process: other work does not count
