"""One self-contained HTML page: what is believed, what moved it, what comes next, from where.

The page holds its own script and styles and needs no network; a content security policy lets the
browser refuse anything else. The same inputs give the same bytes. Its numbers are those of the
forecast document; its figures are the functions of `beliefs.reporting.figures` that the template
names.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beliefs.evaluation.sensitivity import LEARNABLE, contraction
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.diagnose import diagnose
from beliefs.model.theory import free_parameters
from beliefs.reporting import figures, series, style, tables
from beliefs.reporting.claims import claim_groups
from beliefs.reporting.sources import study_sources
from beliefs.study.writefile import write_file

__all__ = ["render", "write_report"]

SLOW = 12  # parameters with the fewest effective draws that the page lists

# The page's only own script: draw each figure from the data beside it.
BOOT = """
(function () {
  var touch = window.matchMedia("(pointer: coarse)").matches;
  document.querySelectorAll("[data-figure]").forEach(function (box) {
    var figure = JSON.parse(document.getElementById(box.id + "-data").textContent);
    // On a touch screen a drag scrolls the page; elsewhere it zooms, a double click resets.
    figure.layout.dragmode = touch ? false : "zoom";
    if (box.clientWidth < 480 && figure.layout.xaxis.type === "date") {
      figure.layout.xaxis.nticks = 5;
    }
    Plotly.newPlot(box, figure.data, figure.layout, {
      responsive: true, displayModeBar: false, displaylogo: false, showTips: false
    });
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });
})();
"""


def write_report(
    forecast: Forecast,
    summary: Mapping[str, Any],
    path: str | Path,
    manifest: Mapping[str, Any] | None = None,
    verdicts: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Write the report of a forecast.

    Parameters
    ----------
    forecast
        The forecast; its posterior and study come with it.
    summary
        Its document, from `beliefs.summarise`; every headline number of the page is taken from
        here.
    path
        File to write; an existing one is replaced.
    manifest
        Versions, platform and timings of the run, shown as they are; left out when None.
    verdicts
        Rows of `beliefs verdicts --json`: each claim of the source texts is shown beside the
        evidence; left out when empty.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> page = beliefs.write_report(ahead, beliefs.summarise(ahead), folder / "page.html")
    >>> page.name
    'page.html'
    """
    return write_file(path, render(forecast, summary, manifest, verdicts))


def render(
    forecast: Forecast,
    summary: Mapping[str, Any],
    manifest: Mapping[str, Any] | None = None,
    verdicts: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the report as text; parameters as in `write_report`."""
    from plotly.offline import get_plotlyjs

    posterior = forecast.posterior
    names = series.side_names(forecast)
    learnt = contraction(posterior, forecast.conduct, power=False)
    scripts = (get_plotlyjs(), BOOT)
    table = posterior.report.table or diagnose(posterior.tree).table
    slow = sorted(table, key=lambda r: min(r["ess_bulk"], r["ess_tail"]))
    return _template().render(
        summary=summary,
        head=tables.read(summary, dict(zip(posterior.structure.sides, names, strict=True))),
        gate=tables.gate_rows(summary),
        flag_notes=tables.FLAG_NOTES,
        forecast=forecast,
        posterior=posterior,
        spec=posterior.study.spec,
        theory=posterior.theory,
        inputs=posterior.inputs,
        names=names,
        figure=lambda name: _embedded(getattr(figures, name)(forecast)),
        series=series,
        learnt=sorted((r for r in learnt if r.learnable), key=lambda r: -r.contraction),
        unlearnt=sum(not r.learnable for r in learnt),
        least=LEARNABLE,
        slow=slow[:SLOW],
        priors=free_parameters(posterior.theory, posterior.structure),
        sources=study_sources(posterior.study),
        claims=claim_groups(verdicts),
        manifest=_flat(manifest or {}),
        scripts=scripts,
        script_hashes=" ".join(map(_hash, scripts)),
    )


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=style.printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for word in (style.day, style.short_day, style.number, style.percent, style.whole_percent):
        environment.filters[word.__name__] = word
    environment.globals.update(REGIME_WORDS=style.REGIME_WORDS, SIDE_COLOURS=style.SIDE_COLOURS)
    return environment.get_template("report.html.j2")


def _embedded(figure: Any) -> dict[str, Any]:
    """Return a figure's data, safe inside a script tag, its key in words and its height."""
    from markupsafe import Markup

    key: dict[str, tuple[str, str]] = {}  # of label: mark and colour
    for item in (*figure.data, *figure.layout.shapes):
        if not item.name or not (item.showlegend or item.showlegend is None):
            continue
        if item.type == "rect":
            found = "area", item.fillcolor
        elif item.type == "scatter" and item.mode == "markers":
            found = "tick", item.marker.color
        else:
            wide = "area" if item.line.width > 5 else "line"
            found = "dash" if item.line.dash else wide, item.line.color
        key.setdefault(html.unescape(item.name), found)
    figure.update_layout(showlegend=False)
    text = figure.to_json(engine="json", remove_uids=True)
    for character in "<>&\u2028\u2029":  # none may end the script tag or the string
        text = text.replace(character, f"\\u{ord(character):04x}")
    return {"json": Markup(text), "key": key, "height": figure.layout.height}


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as sorted rows of dotted name and text."""
    rows: list[tuple[str, str]] = []
    for name in sorted(value, key=str):
        item, label = value[name], f"{prefix}{name}"
        if isinstance(item, Mapping):
            rows += _flat(item, f"{label}.")
        else:
            many = isinstance(item, list | tuple)
            rows.append((label, ", ".join(map(str, item)) if many else str(item)))
    return rows
