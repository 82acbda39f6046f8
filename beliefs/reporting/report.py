"""One self-contained HTML page: what is believed, what moved it, what comes next, from where.

The page holds its own script and styles and needs no network; a content security policy lets the
browser refuse anything else. The same inputs give the same bytes. Its numbers are those of the
forecast document; its figures are the functions of `beliefs.reporting.figures` that the template
names.
"""

import base64
import hashlib
import html
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from beliefs.errors import StudyError
from beliefs.evaluation.sensitivity import LEARNABLE, contraction
from beliefs.forecasting.forecast import Forecast
from beliefs.inference.diagnose import diagnose
from beliefs.inference.posterior import Posterior
from beliefs.model.theory import JUDGED, free_parameters, load_theory
from beliefs.records.files import FORMAT, load_json
from beliefs.reporting import figures, series, style, tables
from beliefs.study.load import Study
from beliefs.study.safefile import read_lines
from beliefs.study.writefile import write_file

HERE = Path(__file__).parent
SLOW = 12  # parameters with the fewest effective draws that the page lists
MAX_CHARS = 200_000  # of SOURCES.md: a report stays a file that one can mail
# What a stranger's Markdown may not do: links, images and inline HTML stay the characters they are.
FOREIGN = ["link", "image", "autolink", "reference", "html_block", "html_inline", "entity", "code"]
VERDICT_TEXTS = ("id", "essay", "title", "claimed", "verdict", "sentence")


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
        Its document, from `beliefs.summarise`, of which the page shows the headline numbers.
    path
        File to write; an existing one is replaced.
    manifest
        Versions, platform and timings of the run, shown as they are; left out when None.
    verdicts
        Rows of `beliefs verdicts --json`, each shown beside its claim; left out when empty.

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
    posterior = forecast.posterior
    names = series.side_names(forecast)
    learnt = contraction(posterior, forecast.action_draws is not None, power=False)
    scripts = (get_plotlyjs(), (HERE / "report.js").read_text(encoding="utf-8"))
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()) for text in scripts]
    chains = posterior.report.kind == "chains"  # of particles there is nothing by parameter
    table = (posterior.report.table or diagnose(posterior.kept).table) if chains else ()
    slow = sorted(table, key=lambda r: min(r["ess_bulk"], r["ess_tail"]))
    return _template().render(
        summary=summary,
        head=tables.read(summary, dict(zip(posterior.structure.sides, names, strict=True))),
        convergence=tables.convergence_rows(summary),
        flag_notes=tables.FLAG_NOTES,
        forecast=forecast, posterior=posterior, spec=posterior.study.spec,
        theory=posterior.theory, inputs=posterior.inputs, names=names, series=series,
        figure=lambda name: _embedded(getattr(figures, name)(forecast)),
        learnt=sorted((r for r in learnt if r.learnable), key=lambda r: -r.contraction),
        unlearnt=sum(not r.learnable for r in learnt),
        least=LEARNABLE, slow=slow[:SLOW],
        priors=free_parameters(posterior.theory, posterior.structure),
        before=_before(posterior),
        sources=study_sources(posterior.study), claims=claim_groups(verdicts),
        manifest=_flat(manifest) if manifest else [], scripts=scripts,
        script_hashes=" ".join(f"'sha256-{digest.decode()}'" for digest in digests),
    )  # fmt: skip


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
        finalize=style.printable, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    words = (style.day, style.short_day, style.number, style.percent)
    environment.filters |= {word.__name__: word for word in words}
    environment.globals.update(REGIME_WORDS=style.REGIME_WORDS, SIDE_COLOURS=style.SIDE_COLOURS)
    return environment.get_template("report.html.j2")


def _embedded(figure: Any) -> dict[str, Any]:
    """Return a figure's data, safe inside a script tag, its key in words and its height."""
    key: dict[str, tuple[str, str]] = {}  # of label: mark and colour
    for item in (*figure.data, *figure.layout.shapes):
        if not item.name or item.showlegend is False:
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


def _before(posterior: Posterior) -> dict[str, Any]:
    """Return the theory's own priors of the parameters that a population informed."""
    if posterior.theory.informed is None:
        return {}
    own = load_theory(posterior.theory.id.removesuffix(JUDGED))
    free = {p.name: p.prior for p in free_parameters(own, posterior.structure)}
    names = posterior.theory.informed.partition(":")[0].split(", ")
    return {name: free.get(name, "its null value") for name in names}


def _flat(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return nested settings as sorted rows of dotted name and text."""
    (found,) = pd.json_normalize(dict(value)).to_dict("records")
    many = {k: v if isinstance(v, list | tuple) else [v] for k, v in found.items() if v != {}}
    return sorted((str(name), ", ".join(map(str, items))) for name, items in many.items())


def study_sources(study: Study) -> Markup | str:
    """Return the study's SOURCES.md as HTML; empty when the folder is no longer there."""
    lines: list[str] = []
    room = MAX_CHARS
    try:
        for line in read_lines(study.path, "SOURCES.md"):
            room -= len(line)
            if room < 0:
                lines.append("\n\n(The file goes on; cut here.)")
                break
            lines.append(line)
    except StudyError:
        return ""
    return as_html("".join(lines))


def as_html(text: str) -> Markup:
    """Return Markdown as HTML that loads nothing, runs nothing and leads nowhere."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(FOREIGN)
    tokens = parser.parse(style.printable(text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def read_verdicts(path: str | Path, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a file that ``beliefs verdicts --json`` wrote.

    `about` is the manifest of the run that they are to stand beside; rows on another study, or on
    the same one as of another date, are refused.
    """
    try:
        if not Path(path).is_file():
            raise OSError("no regular file")
        raw = load_json(Path(path))
        rows = raw["verdicts"]
        good = raw["format"] == FORMAT
        good &= all(isinstance(row[name], str) for row in rows for name in VERDICT_TEXTS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        good, rows, raw = False, [], str(error)
    if not good:
        raise StudyError(
            "this is no file of verdicts", where=str(path), found=str(raw)[:80],
            expected=f"format {FORMAT}, as `beliefs verdicts STUDY --json` prints it",
            fix="write it with `beliefs verdicts STUDY --json > FILE`",
        )  # fmt: skip
    if raw.get("study_sha256") != about["study_sha256"]:
        day = about["as_of"]
        raise StudyError(
            "these verdicts are those of another study, or of other rows of it",
            where=str(path),
            found=f"verdicts on {raw.get('study')} as of {raw.get('as_of')}",
            expected=f"verdicts on {about.get('study')} as of {day}, on the rows that the run was "
            "made of",
            fix=f"write them with `beliefs verdicts RUN/study --as-of {day} --json > FILE`",
        )
    return list(rows)


def claim_groups(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return verdicts by source text, its claims beside the evidence."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["essay"], []).append(row)
    found = []
    for essay, mine in groups.items():
        counts = Counter(row["verdict"] for row in mine).most_common()
        count = ", ".join(f"{n} {verdict}" for verdict, n in counts)
        about = {"essay": essay, "author": mine[0].get("author", ""), "count": count}
        found.append({**about, "claims": [_claim(row) for row in mine]})
    return found


def _claim(row: Mapping[str, Any]) -> dict[str, Any]:
    def shown(name: str, form: Callable[[float, int], str] = style.percent, digits: int = 0) -> str:
        return "–" if row.get(name) is None else form(float(row[name]), digits)

    score, low, high = (
        shown(name, style.number, 1) for name in ("delta_log_score", "delta_low", "delta_high")
    )
    return {
        **row,
        "colour": style.VERDICT_COLOURS.get(row["verdict"], style.GREY),
        "p": shown("p_claim"),
        "p_prior": shown("p_prior"),
        "contraction": shown("contraction"),
        "score": score if "–" in (low, high) else f"{score} ({low} to {high})",
    }
