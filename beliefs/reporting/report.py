"""One self-contained HTML page: what is believed, what moved it, what comes next, from where.

The page holds its own script and styles and needs no network; a content security policy lets the
browser refuse anything else. The same inputs give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from beliefs.errors import counted
from beliefs.evaluation.claims.contraction import LEARNABLE, contraction
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.diagnose import Limits
from beliefs.inference.pareto import RELIABLE
from beliefs.model.theory import free_parameters
from beliefs.reporting import interactive, series, tables
from beliefs.reporting.canvas import key
from beliefs.reporting.claims import claim_groups
from beliefs.reporting.marks import Span, regime_spans, shock_marks
from beliefs.reporting.moves import top_moves
from beliefs.reporting.sources import study_sources
from beliefs.reporting.style import (
    REGIME_WORDS,
    SIDE_COLOURS,
    clean,
    day,
    number,
    percent,
    short_day,
)
from beliefs.study.writefile import write_file

__all__ = ["render", "write_report"]

TEMPLATE = "report.html.j2"
SLOW = 12  # parameters with the fewest effective draws that the gate section lists


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
        Its document, from `beliefs.forecasting.summary.summarise`; every headline number of the
        page
        is taken from here.
    path
        File to write; an existing one is replaced.
    manifest
        Versions, platform and timings of the run, shown as they are; left out when None.
    verdicts
        Rows of `beliefs.evaluation.claims.verdict.Verdict.as_dict`: each claim of the source texts
        is shown
        beside the evidence; left out when empty.

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
    spec, names = posterior.study.spec, series.side_names(forecast)
    head = tables.read(summary, dict(zip(posterior.structure.sides, names, strict=True)))
    believes = posterior.theory.beliefs
    library = get_plotlyjs()
    context = {
        "title": clean(spec.title),
        "abstract": clean(spec.summary),
        "head": head,
        "as_of": day(summary["as_of"]),
        "origin": day(summary["origin"]),
        "theory": posterior.theory,
        "believes": believes,
        "coverage": f"{100 * summary['interval']:.0f}%",
        "gate_passed": summary["gate"]["passed"],
        "left_out": tables.left_out_words(summary["left_out"]) if "left_out" in summary else "",
        "hindcast": summary["hindcast"],
        "allowed_failed": summary["allowed_failed"],
        "failures": [clean(f) for f in summary["gate"]["failures"]],
        "interventions": [clean(i) for i in summary["interventions"]],
        "names": names,
        "colours": SIDE_COLOURS,
        "strips": _strips(summary),
        "flag_notes": {flag: tables.FLAG_NOTES[flag] for flag in head.flags},
        "reversed": [
            (clean(w["term"]), f"{w['mean']:+.2f}", percent(w["p_other_sign"]))
            for w in summary.get("reversed_weights", [])
        ],
        "figures": _figures(forecast),
        "regimes": [_regime(s) for s in regime_spans(forecast)],
        "shocks": [(m.number, short_day(m.date), m.label) for m in shock_marks(forecast)],
        "moves": _moves(forecast) if believes else [],
        "grid_by": day(series.crack_grid(forecast).by) if believes else "",
        "crack": spec.crack,
        "unit": "days" if posterior.inputs.step_days == 1 else "weeks",
        "talking": bool(posterior.inputs.talks[posterior.inputs.active][-1]),
        "learnt": _learnt(forecast),
        "gate": _gate(summary),
        "slow": _slow(forecast),
        "limits": Limits(),
        "sampling": _sampling(forecast, summary),
        "origins": _origins(forecast, summary),
        "priors": _priors(forecast),
        "sources": study_sources(posterior.study),
        "claims": claim_groups(verdicts),
        "manifest": _flat(manifest or {}),
        "library": library,
        "boot": BOOT,
        "script_hashes": " ".join(_hash(text) for text in (library, BOOT)),
    }
    return _template().render(context)


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


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(TEMPLATE)


def _figures(forecast: Forecast) -> dict[str, dict[str, Any]]:
    """Return every figure of the page by name: data safe inside a script tag, key, height."""
    makers: dict[str, Any] = {"talks": interactive.talks}
    if forecast.posterior.theory.beliefs:
        makers |= {
            name: getattr(interactive, name)
            for name in ("beliefs", "fan", "moves", "cracks", "crack_grid", "talks_rational")
        }
        if series.scorecard_weights(forecast):
            makers["scorecards"] = interactive.scorecards
    return {name: _embedded(make(forecast)) for name, make in makers.items()}


def _embedded(figure: Any) -> dict[str, Any]:
    from markupsafe import Markup

    keys = key(figure)
    figure.update_layout(showlegend=False)
    text = figure.to_json(engine="json", remove_uids=True)
    for character in "<>&\u2028\u2029":  # none may end the script tag or the string
        text = text.replace(character, f"\\u{ord(character):04x}")
    return {"json": Markup(text), "key": keys, "height": figure.layout.height}


def _strips(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the geometry of each belief's interval on a scale from 0 to 100."""
    return [
        {"left": 100 * b["lower"], "width": 100 * (b["upper"] - b["lower"]), "at": 100 * b["mean"]}
        for b in summary["belief"]
    ]


def _regime(span: Span) -> tuple[str, str, str, str]:
    return (REGIME_WORDS[span.kind], span.label, short_day(span.start), short_day(span.end))


def _moves(forecast: Forecast) -> list[list[tuple[str, str, str, str]]]:
    top = top_moves(forecast)
    return [
        [
            (
                short_day(m.start),
                m.label,
                number(m.mean),
                f"{number(m.low90)} to {number(m.high90)}",
            )
            for m in top
            if m.side == side
        ]
        for side in (0, 1)
    ]


def _learnt(forecast: Forecast) -> dict[str, Any]:
    """Return the parameters that the study narrowed, most first, and how many it did not."""
    found = contraction(forecast.posterior, forecast.conduct, power=False)
    rows = sorted((r for r in found if r.learnable), key=lambda r: -r.contraction)
    return {
        "rows": [
            (r.name, f"{r.prior_sd:.3f}", f"{r.posterior_sd:.3f}", f"{r.contraction:.0%}")
            for r in rows
        ],
        "of": len(found),
        "least": f"{LEARNABLE:.0%}",
    }


def _gate(summary: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Return what was measured, its value, its limit and whether it holds."""
    gate, limits = summary["gate"], Limits()
    share = gate["divergent_share"]
    if gate.get("kind") == "particles":
        return [
            ("Effective and different particles", f"{gate['ess']:.0f}",
             f"at least {limits.ess:.0f}", gate["ess"] >= limits.ess),
            ("Pareto k of the weights", f"{gate['pareto_k']:.2f}", f"at most {RELIABLE}",
             gate["pareto_k"] <= RELIABLE),
        ]  # fmt: skip
    return [
        ("R-hat, worst", f"{gate['r_hat']:.4f}", f"at most {limits.r_hat}",
         gate["r_hat"] <= limits.r_hat),
        (f"Effective draws, fewest ({clean(gate['worst'])})", f"{gate['ess']:.0f}",
         f"at least {limits.ess:.0f}", gate["ess"] >= limits.ess),
        ("Divergent transitions", f"{100 * share:.2f}%",
         f"at most {100 * limits.divergent_share:.1f}%", share <= limits.divergent_share),
        ("E-BFMI, lowest", f"{gate['e_bfmi']:.2f}", f"at least {limits.e_bfmi}",
         gate["e_bfmi"] >= limits.e_bfmi),
    ]  # fmt: skip


def _slow(forecast: Forecast) -> list[tuple[str, str, str, str]]:
    rows = sorted(forecast.posterior.report.table, key=lambda r: min(r["ess_bulk"], r["ess_tail"]))
    return [
        (r["name"], f"{r['r_hat']:.3f}", f"{r['ess_bulk']:.0f}", f"{r['ess_tail']:.0f}")
        for r in rows[:SLOW]
    ]


def _sampling(forecast: Forecast, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    sizes = forecast.posterior.tree["posterior"].sizes
    return [
        ("Chains × draws", f"{sizes['chain']} × {sizes['draw']}"),
        ("Futures simulated", str(sizes["chain"] * sizes["draw"])),
        (
            "Horizon",
            f"{counted(len(forecast.dates), 'period')} of {forecast.posterior.inputs.step_days} d",
        ),
        ("Seeds", f"fit {summary['seed']['fit']}, forecast {summary['seed']['forecast']}"),
    ]


def _origins(forecast: Forecast, summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    theory = forecast.posterior.theory
    return [
        ("Study", clean(summary["study"])),
        ("As-of date (nothing published later was used)", summary["as_of"]),
        ("Origin (last day seen)", summary["origin"]),
        ("Hash of the study as of that date", summary["study_sha256"]),
        ("Theory", f"{clean(theory.id)} {clean(theory.name)}: {clean(theory.title)}"),
        ("Source of the theory", clean(theory.source)),
        ("Hash of the theory", summary["theory_sha256"]),
    ]


def _priors(forecast: Forecast) -> list[tuple[str, str, str, str, str, str]]:
    posterior = forecast.posterior
    return [
        (
            p.name,
            clean(p.meaning),
            str(p.prior),
            f"{p.neutral:g}".replace("inf", "∞").replace("-", "−"),
            clean(p.unit),
            clean(p.source),
        )
        for p in free_parameters(posterior.theory, posterior.structure)
    ]


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as sorted rows of dotted name and text."""
    rows: list[tuple[str, str]] = []
    for name in sorted(value, key=str):
        item, label = value[name], f"{prefix}{clean(name)}"
        if isinstance(item, Mapping):
            rows += _flat(item, f"{label}.")
        elif isinstance(item, list | tuple):
            rows.append((label, clean(", ".join(str(x) for x in item))))
        else:
            rows.append((label, clean(item)))
    return rows
