"""Commands on studies and theories: what there is, and what a model would see."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import beliefs
from beliefs.cli import options as opt
from beliefs.errors import StudyError, counted
from beliefs.evaluation.backtest.questions import questions
from beliefs.evaluation.scores.scorecard import check_odds
from beliefs.features.steps import Bools
from beliefs.features.talks import left_out
from beliefs.inference.advice import advice, unlearnable, unread
from beliefs.model.contract import logistic
from beliefs.model.structure import structure_of
from beliefs.model.theory import SIMPLE, bundled_theories, prior_table
from beliefs.reporting.tables import left_out_words
from beliefs.study.bundled import list_studies, slug_of
from beliefs.study.load import known_at_end, read_study
from beliefs.study.panels import CONFLICTS, find_panel, list_panels, place
from beliefs.study.tables.rows import read_odds
from beliefs.study.writefile import write_file

STRIP = 40  # characters of a line of time


def studies(as_json: opt.Json = False) -> None:
    """List the bundled studies."""
    rows: list[dict[str, Any]] = []
    for name in list_studies():
        spec = beliefs.load_study(name).spec
        row = {"name": name, "title": spec.title}
        row |= {key: str(getattr(spec.period, key)) for key in ("start", "end", "step")}
        sides = [side.id for side in spec.sides]
        rows.append({**row, "sides": sides, "indicators": len(spec.indicators)})
    line = "{name:<16} {start} .. {end}  {step:<5} {indicators:>2} indicators  {title}"
    opt.show(rows, (line.format_map(row) for row in rows), as_json)


def panels(
    panel: Annotated[str | None, typer.Argument(help="List the conflicts of this one.")] = None,
    as_json: opt.Json = False,
) -> None:
    """List the bundled panels, or the conflicts of one: each is the study PANEL/CONFLICT."""
    if panel is None:
        rows = [beliefs.load_panel(name)._facts() for name in list_panels()]
        line = "{panel:<16} {first} .. {last}  {conflicts} conflicts  {rows} rows  {licence}"
    else:
        cells = beliefs.load_panel(panel).tables[CONFLICTS].cells
        rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
        line = "{conflict:<8} {start} .. {end}  {side_a}, {side_b}"
    opt.show(rows, (line.format_map(row) for row in rows), as_json)


def new_study(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    like: Annotated[
        str | None,
        typer.Option("--from", help="A CSV file of series, or a study to copy (PANEL/CONFLICT)."),
    ] = None,
) -> None:
    """Write a commented study folder that passes `check`, to be edited."""
    if like is not None and like.endswith(".csv"):
        from beliefs.study.frames import from_csv  # loads pandas

        source = Path(tempfile.mkdtemp(dir=place().name))
        from_csv(Path(like), source, slug_of(folder) or "my-study")
        spec = beliefs.load_study(source).spec  # what cannot be loaded is not written
        made = beliefs.new_study(folder, source)
        series = "; ".join(f"{i.id} {i.transform}, {', '.join(i.own)}'s" for i in spec.indicators)
        period = f"{spec.period.start} to {spec.period.end}, step {spec.period.step}"
        sys.stdout.write(
            f"Guessed: {period}; {series}. Sides are made up: rename them, and say what a rise "
            "means to each.\n"
        )
    else:
        made = beliefs.new_study(folder, *([] if like is None else [read_study(like).path]))
    sys.stdout.write(f"Wrote {made}. Edit it, then: beliefs check {folder}\n")


def _check_panel(name: str, as_json: bool) -> None:
    """Check each conflict of a panel as a study."""
    panel = beliefs.load_panel(name)
    periods = talks = 0
    for conflict in panel.conflicts:
        try:
            inputs = beliefs.build_inputs(known_at_end(f"{name.rstrip('/')}/{conflict}"))
        except StudyError as error:
            error.where += f", conflict {conflict}"
            raise
        periods, talks = periods + len(inputs.dates), talks + int(inputs.talks.sum())
    row = panel._facts() | {"periods": periods, "talk_periods": talks}
    lines = [
        f"{row['panel']} is in order: {counted(row['conflicts'], 'conflict')}.",
        f"  published   {row['first']} to {row['last']}, {counted(row['rows'], 'row')}",
        f"  periods     {periods}",
        f"  talks       {counted(talks, 'period')}",
        f"  licence     {row['licence']}",
    ]
    opt.show(row, lines, as_json)


def check(
    study: opt.Study,
    theory: Annotated[
        str | None, typer.Option(help="Say what the study cannot teach it [the study's own].")
    ] = None,
    as_of: opt.AsOf = None,
    plot: Annotated[
        Path | None, typer.Option(help="New HTML file of it.", callback=opt.to_write("new"))
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Check a study folder and show what the model would see; or check all studies of a panel."""
    if as_of is None and find_panel(study) is not None:
        _check_panel(study, as_json)
        return
    source = read_study(study)
    loaded = source.known(as_of)
    inputs, rest = beliefs.build_inputs(loaded), left_out(loaded)
    active = int(inputs.active.sum())
    last = source.last_published(loaded.as_of)
    news = dict(zip(inputs.indicators, inputs.seen[:, :active], strict=True))
    said = zip(inputs.sides, ~np.isnan(inputs.reading[..., :active]), strict=True)
    read = {side: dict(zip(inputs.channels, of, strict=True)) for side, of in said}
    row: dict[str, Any] = {
        "study": loaded.spec.name, "as_of": str(loaded.as_of),
        "last_published": last and str(last), "sha256": loaded.sha256,
        "periods": len(inputs.dates), "active_periods": active, "sides": list(inputs.sides),
        "seen": {name: int(on.sum()) for name, on in news.items()},
        "readings": {
            side: {channel: int(on.sum()) for channel, on in of.items()}
            for side, of in read.items()
        },
        "talk_periods": int(inputs.talks.sum()),
        "unobserved_actions": int((~inputs.quiet_seen[:active]).sum()),
        "events": len(loaded.tables.events), "remarks": list(loaded.remarks),
        "advice": list(advice(loaded, inputs)),
    }  # fmt: skip
    if rest is not None:
        row["left_out"] = rest.model_dump(mode="json", by_alias=True)
    odds = read_odds(loaded.path, loaded.as_of)
    if len(odds):  # a backtest must be able to use them
        check_odds(odds, questions(loaded, inputs))
    sees = news | {f"{side}: {c}": on for side, of in read.items() for c, on in of.items()}
    sees |= {"talks": inputs.talks[:active] > 0, "watched": inputs.quiet_seen[:active]}
    widest = max(map(len, sees))
    lines = [
        f"{row['study']} is in order, as of {row['as_of']}.",
        f"  published   {'nothing by then' if last is None else f'last on {last}'}",
        f"  periods     {active} of {row['periods']}, {inputs.dates[0]} to {inputs.ends[-1]}, have "
        "ended; below, those with news, a reading, talks, a watch for actions:",
        *(f"    {name:<{widest}}  {on.sum():>5}  {_strip(on)}" for name, on in sees.items()),
        *(f"  note        {line}" for line in loaded.remarks),
        *(f"  advice      {line}" for line in row["advice"]),
    ]
    if name := theory or loaded.spec.theory:
        asked = beliefs.load_theory(name)
        row["unlearnable"], row["unread"] = unlearnable(inputs, asked), unread(loaded, asked)
        lines.append(f"  not learnt  {', '.join(row['unlearnable']) or 'nothing'} (of {name})")
        if row["unread"]:
            lines.append(f"  not read    events of kind {', '.join(row['unread'])} (by {name})")
    if rest is not None:
        lines.append(f"  left out    {left_out_words(row['left_out'])}")
    if plot is not None:
        write_file(plot, loaded.plot.seen().to_html(include_plotlyjs=True))
    opt.show(row, lines, as_json)


def _strip(on: Bools) -> str:
    """Return a line of time, darker where more periods are on."""
    shares = [part.mean() for part in np.array_split(on, min(len(on), STRIP))]
    return "".join(" ░▒▓█"[int(np.ceil(4 * share))] for share in shares)


def theories(
    show: Annotated[str | None, typer.Option(help="List a theory's priors.")] = None,
    study: Annotated[str, typer.Option(help="Study whose dimensions to list.")] = opt.STUDY,
    priors: opt.Priors = None,
    as_json: opt.Json = False,
) -> None:
    """List the theories, or the priors of one with unit, source and null value."""
    if show is None:
        known = (beliefs.load_theory(name) for name in (SIMPLE, *bundled_theories()))
        rows = [{"id": t.id, "name": t.name, "source": t.source} for t in known]
        rows.sort(key=lambda row: row["id"])
        opt.show(rows, (f"{row['id']}  {row['name']:<20} {row['source']}" for row in rows), as_json)
        return
    theory = beliefs.load_theory(show, priors)
    table = prior_table(theory, structure_of(beliefs.build_inputs(beliefs.load_study(study))))
    lines = [f"{theory.id} {theory.name}: {theory.source}"]
    for item in table:
        state = item["prior"] if item["free"] else "off, held at its null value"
        lines += [
            f"\n{item['name']} [{' x '.join(item['dims']) or 'scalar'}] ({item['mechanism']})",
            f"  prior    {state}",
            *(f"  {name:<8} {item[name]}" for name in ("null", "unit", "meaning", "source")),
        ]
    opt.show(table, lines, as_json)


def prior(
    study: opt.Study,
    theory: opt.Theory = None,
    priors: opt.Priors = None,
    prior: opt.Prior = None,
    as_of: opt.AsOf = None,
    draws: opt.Draws = 1000,
    seed: opt.Seed = 1,
    plot: Annotated[
        Path | None, typer.Option(help="New HTML file of beliefs.", callback=opt.to_write("new"))
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Say what a theory believes of a study before any reading or talks are seen."""
    loaded = beliefs.load_study(study, as_of=as_of)
    chosen = opt.chosen_theory(theory, priors, prior, loaded)
    found = beliefs.prior(loaded, chosen, draws=draws, seed=seed)
    n = int(found.inputs.active.sum())
    at, last = sorted({0, n // 4, n // 2, 3 * n // 4, n - 1}), found.inputs.talks[:n]
    talks = found.tree["posterior_predictive"]["talks"].values.reshape(draws, -1).sum(axis=1)
    row: dict[str, Any] = {
        "study": loaded.name, "theory": chosen.name, "talk_periods": int(last.sum()),
        "prior_talk_periods": np.quantile(talks, (0.05, 0.5, 0.95)).tolist(), "beliefs": {},
    }  # fmt: skip
    lines = [f"{row['study']} under {row['theory']}, before any reading or talks: mean, 90 %"]
    if chosen.beliefs:
        p = logistic(np, found.kept["posterior"]["logit_belief"].values[0])
        for i, side in enumerate(found.structure.sides):
            row["beliefs"][side] = [
                {"date": str(found.inputs.dates[t]), "mean": float(p[:, i, t].mean())}
                | dict(zip(("low", "high"), np.quantile(p[:, i, t], (0.05, 0.95)), strict=True))
                for t in at
            ]
            lines += [f"  {side}"] + [
                f"    {one['date']}  {one['mean']:4.0%}  ({one['low']:.0%} to {one['high']:.0%})"
                for one in row["beliefs"][side]
            ]
    low, middle, high = row["prior_talk_periods"]
    lines.append(
        f"  talks in {middle:.0f} of {n} periods ({low:.0f} to {high:.0f}), each given the one "
        f"before; {row['talk_periods']} are recorded"
    )
    if plot is not None and chosen.beliefs:
        write_file(plot, found.plot.beliefs().to_html(include_plotlyjs=True))
    opt.show(row, lines, as_json)
