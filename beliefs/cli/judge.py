"""Commands that judge: theories, claims, forecasts, and how far to trust any of it."""

import contextlib
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

import beliefs
from beliefs.cli import options as opt
from beliefs.errors import StudyError
from beliefs.evaluation.backtest.backtest import DRAWS
from beliefs.evaluation.backtest.backtest import PARTICLES as BACKTEST_PARTICLES
from beliefs.evaluation.calibration import in_words
from beliefs.evaluation.scores.skill import BLOCKS, block_length
from beliefs.inference.smc.track import posterior_at
from beliefs.model.theory import bundled_theories
from beliefs.records.evaluations import FIGURE, rescore, save_backtest
from beliefs.reporting.tables import aligned, backtest_text
from beliefs.study.writefile import write_file

COLUMNS = (
    "id", "theory", "verdict", "p_claim", "p_prior", "contraction", "log_bf", "delta_log_score",
    "delta_low", "delta_high", "method", "essay", "title", "claimed", "why", "sentence",
)  # fmt: skip
SHOWN = 10  # quantities printed for a person
MOVED, SURE = 0.01, 2.0  # least change printed, and in Monte-Carlo errors
WIDTH = 88  # characters of a sentence's line for a person


def compare(
    study: opt.Study = opt.STUDY,
    theories: Annotated[str | None, typer.Option(help="Names or ids, by commas [all].")] = None,
    as_of: opt.AsOf = None,
    prior: opt.Beside = "theory",
    particles: opt.Particles = None,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    plot: Annotated[
        Path | None, typer.Option(help="New image file of weights.", callback=opt.to_write("image"))
    ] = None,
    as_json: opt.Json = False,
    as_csv: opt.Csv = False,
    quiet: opt.Quiet = False,
) -> None:
    """Score rival theories on a study, period by period: table, differences, weights over time."""
    _only_one(as_json, as_csv)
    names = theories.split(",") if theories else bundled_theories()
    loaded = beliefs.load_study(study, as_of=as_of)
    chosen = opt.chosen_theories((name.strip() for name in names), prior, loaded)
    chosen.sort(key=lambda t: t.id)
    with opt.progress_bar(quiet) as say:
        found = beliefs.compare(
            loaded, chosen, seed=seed, particles=particles or 1000, workers=cores,
            scheduler=scheduler, progress=say,
        )  # fmt: skip
    rows = [
        {
            "rank": row.rank, "id": row.id, "theory": row.title, "elpd": row.elpd, "se": row.se,
            "elpd_diff": row.against_best.total, "dse": row.against_best.error,
            "vs_base": row.against_base.total, "low": row.against_base.low,
            "high": row.against_base.high, "weight": row.weight,
        }
        for row in found.table
    ]  # fmt: skip
    table = pd.DataFrame(rows, dtype=object)
    numbers = table.columns[3:]
    table[numbers] = table[numbers].map(lambda v: "" if v != v else f"{v:.2f}")
    lines = _tell_comparison(found, table)
    opt.show(found.as_dict(), lines, as_json, table if as_csv else None)
    if plot is not None:
        _draw("plot_weights", plot, 150, found, loaded)


def _tell_comparison(found: Any, table: pd.DataFrame) -> Iterator[str]:
    yield (
        f"{found.study}: log score of {', '.join(found.observables)} over {len(found.dates)} "
        "periods, each forecast from those before it\n"
    )
    yield from aligned([list(table), *table.astype(str).to_numpy().tolist()], left=2)
    yield (
        "\nelpd_diff is against the best theory, vs_base against M0 with its 90 % interval by "
        "blocks of periods;\nweight is the stacking weight after the last period, M5 the stack of "
        "all by the weights of before."
    )
    if found.blocks < BLOCKS:
        days = block_length(found.step_days) * found.step_days
        yield (
            f"Scored periods fill {found.blocks} of the {BLOCKS} blocks of {days} days that errors "
            "and intervals need: none are given."
        )
    for better, worse in found.tied:
        yield f"{better} and {worse} cannot be told apart by this study."


def verdicts(
    study: opt.Study = opt.STUDY,
    as_of: opt.AsOf = None,
    prior: opt.Beside = "theory",
    particles: opt.Particles = None,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    as_json: opt.Json = False,
    as_csv: opt.Csv = False,
    quiet: opt.Quiet = False,
) -> None:
    """Judge every claim of the source texts by a study: 56 verdicts, each with its evidence."""
    _only_one(as_json, as_csv)
    loaded = beliefs.load_study(study, as_of=as_of)
    with opt.progress_bar(quiet) as say:
        found = beliefs.verdicts(
            loaded, seed=seed, particles=particles, population=prior == "population",
            workers=cores, scheduler=scheduler, progress=say,
        )  # fmt: skip
    rows = [row.as_dict() for row in found]
    head = {"study": loaded.spec.name, "study_sha256": loaded.sha256, "as_of": str(loaded.as_of)}
    table = pd.DataFrame(rows, columns=COLUMNS, dtype=object)
    opt.show({**head, "verdicts": rows}, _tell_verdicts(table), as_json, table if as_csv else None)


def _tell_verdicts(table: pd.DataFrame) -> Iterator[str]:
    for essay, rows in table.groupby("essay", sort=False):
        yield f"\n{essay}"
        for row in rows.itertuples():
            yield f"\n{row.id}  {row.verdict:<19} {row.title}"
            yield from (f"     {line}" for line in textwrap.wrap(row.sentence, WIDTH))
    count = Counter(table["verdict"])
    yield "\n" + ", ".join(f"{n} {name}" for name, n in count.most_common())


def _draw(figure: str, file: Path, dpi: int, *of: Any) -> None:
    """Write a figure of `beliefs.reporting.axes`."""
    import matplotlib as mpl  # takes a second to load, and so do axes

    from beliefs.reporting import axes

    mpl.use("agg")
    drawn = np.ravel(getattr(axes, figure)(*of))[0]
    axes.save_figure(drawn.figure, file, dpi=dpi)


def _only_one(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise StudyError(
            "two formats at once", where="options", found="--json and --csv",
            expected="one of them", fix="leave one out",
        )  # fmt: skip


def backtest(
    study: opt.Study = opt.STUDY,
    theory: Annotated[list[str] | None, typer.Option(help="Name, id or file [all].")] = None,
    every: Annotated[int, typer.Option(min=1, help="Days from origin to origin.")] = 7,
    horizons: Annotated[str, typer.Option(help="Days ahead, by commas.")] = "7,30,90",
    prior: opt.Beside = "theory",
    first: Annotated[str | None, typer.Option("--from", help="First day of an origin.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day of an origin.")] = None,
    as_of: opt.AsOf = None,
    particles: opt.Particles = None,
    draws: Annotated[int | None, typer.Option(min=50, help="Futures an origin [500].")] = None,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    out: opt.AnyRun = None,
    again: Annotated[Path | None, typer.Option(help="Run folder to score anew.")] = None,
    as_json: opt.Json = False,
    as_csv: opt.Csv = False,
    quiet: opt.Quiet = False,
) -> None:
    """Forecast from rolling origins, as-of data only, and score against what was observed."""
    _only_one(as_json, as_csv)
    days = _numbers(horizons, int, "these are no horizons", "--horizons 7,30,90")
    if again is not None and (
        theory or as_of or first or last or particles or draws or study != opt.STUDY
    ):
        raise StudyError(
            "forecasts that were made have a study and settings", where="--again",
            found="a study, theories, days, particles or draws as well",
            expected="the run folder alone", fix="leave them out",
        )  # fmt: skip
    with opt.progress_bar(quiet or again is not None) as say, opt.Place(out) as place:
        if again is not None:
            place.take(again / "study")
            found, loaded = rescore(again)
        else:
            loaded = beliefs.load_study(study, as_of=as_of)
            names = theory or bundled_theories()
            chosen = opt.chosen_theories(names, prior, loaded)
            if not theory:
                chosen.sort(key=lambda t: t.id)
            place.take(loaded.path)
            found = beliefs.backtest(
                loaded, chosen, every=every, horizons=days, seed=seed, first=first, last=last,
                particles=particles or BACKTEST_PARTICLES, draws=draws or DRAWS, workers=cores,
                scheduler=scheduler, progress=say,
            )  # fmt: skip
        lines = [backtest_text(found), *([] if out is None else [f"\nForecasts and scores: {out}"])]
        opt.show(found.as_dict(), lines, as_json, found.skill if as_csv else None)
        if out is not None:
            save_backtest(out, found, loaded, **place.taken)


def _numbers[N: (int, float)](text: str, kind: type[N], what: str, example: str) -> list[N]:
    """Return the numbers of an option, by commas; say `what` is wrong with others."""
    with contextlib.suppress(ValueError):
        found = [kind(part) for part in text.split(",")]
        if all(0 < value < float("inf") for value in found):
            return found
    raise StudyError(
        what, where=example.split()[0], found=text, expected="numbers above 0, by commas",
        fix=f"write {example}",
    )  # fmt: skip


def calibrate(
    theory: Annotated[str, typer.Argument(help="Theory name, id or TOML file.")],
    sims: Annotated[int, typer.Option(min=1, help="Simulations in all.")] = 200,
    study: Annotated[str, typer.Option(help="Whose design drawn studies have.")] = opt.STUDY,
    as_of: opt.AsOf = None,
    priors: opt.Priors = None,
    particles: Annotated[int, typer.Option(min=100, help="Particles of each block.")] = 1000,
    draws: Annotated[int, typer.Option(min=20, help="Draws the truth is ranked among.")] = 100,
    horizon: Annotated[int, typer.Option(min=1, help="Periods ahead.")] = 30,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    out: Annotated[Path | None, typer.Option(help="Folder [runs/calibration-ID]; goes on.")] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Draw studies from a theory, track them, and see whether the truth ranks evenly (SBC)."""
    chosen, design = beliefs.load_theory(theory, priors), beliefs.load_study(study, as_of=as_of)
    out = out or Path("runs") / f"calibration-{chosen.id}"
    try:
        with opt.progress_bar(quiet) as say:
            say("simulations")
            found = beliefs.calibrate(
                chosen, design, out, sims=sims, seed=seed, particles=particles, draws=draws,
                horizon=horizon, workers=cores or os.cpu_count() or 1, scheduler=scheduler,
                progress=lambda done, of, _: say.share_done(done / of),
            )  # fmt: skip
    except KeyboardInterrupt:
        sys.stderr.write(f"simulations that were done are kept in {out}: the command goes on\n")
        raise
    if len(found.numbers):
        _draw("plot_calibration", out / FIGURE, 120, found)
    result = found.as_dict()
    opt.show(result, _tell_calibration(result, out, found.seconds), as_json)
    if not found.passed:
        raise SystemExit(3)


def _tell_calibration(result: dict[str, Any], out: Path, seconds: float) -> Iterator[str]:
    yield (
        f"{result['theory']}: {result['simulations']} simulations of the size of {result['study']} "
        f"as of {result['as_of']}, {result['judged']} quantities"
    )
    for number, error in result["failed"].items():
        yield f"  simulation {number} could not be done: {error}"
    yield (
        f"  outside their {result['coverage']:.0%} bands: {len(result['outside'])} "
        f"({result['outside_by_chance']:.1f} expected by chance)"
    )
    rows = [row for row in result["quantities"] if row["outside"]]
    for row in rows[:SHOWN]:
        ranks = _ranks(row, 2)
        yield f"    p {row['p']:.2g} (of all {row['adjusted']:.2g}){ranks}  {row['name']}"
    if len(rows) > SHOWN:
        yield f"    and {len(rows) - SHOWN} more in {out / 'calibration.json'}"
    for row in result["groups"]:
        error = "" if None in (row["mean"], row["error"]) else f" ± {row['error']:.3f}"
        yield (
            f"  {row['quantities']:>4} of {row['group']:<11} {row['outside']:>3} outside, at most "
            f"{row['limit']}{_ranks(row, 3)}{error}"
        )
    if result["probabilities"]:
        yield "  probabilities within the horizon: forecast, happened; number and ranges judged"
    for row in result["probabilities"]:
        z = "     -" if row["z"] is None else f"{row['z']:+6.2f}"
        yield (
            f"    {row['forecast']:.3f}  {row['happened']:.3f} ± {row['error']:.3f}  z {z}  "
            f"p {row['p']:.2g}, {row['reliability']:.2g}  {row['target']}"
        )
    yield f"  {in_words(result['passed'], result['simulations'])}"
    yield from (f"    {reason}" for reason in result["failures"])
    yield f"  {result['cut']}"
    yield f"{out}: {seconds / 60.0:.1f} minutes of processor time"


def _ranks(row: dict[str, Any], places: int) -> str:
    if row["mean"] is None:
        return ""
    return f"  mean {row['mean']:.{places}f}  spread {row['spread']:.{places}f}"


def sensitivity(
    source: Annotated[
        str, typer.Argument(metavar="RUN|STUDY", help="Run folder; or a study, which is tracked.")
    ],
    theory: opt.Theory = None,
    priors: opt.Priors = None,
    as_of: opt.AsOf = None,
    horizon: opt.Horizon = None,
    scales: Annotated[str, typer.Option(help="Factors of prior widths, by commas.")] = "0.5,2",
    particles: Annotated[int, typer.Option(min=100, help="Particles of what is tracked.")] = 1000,
    seed: opt.Seed = 1,
    out: Annotated[
        Path | None, typer.Option(help="New JSON file to write.", callback=opt.to_write("new"))
    ] = None,
    beliefs_only: opt.BeliefsOnly = False,
    allow_failed: opt.Failed = False,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Say how forecasts move with crack rule and priors, and what the study taught."""
    factors = tuple(_numbers(scales, float, "the scales cannot be used", "--scales 0.5,2"))
    with opt.progress_bar(quiet) as say:
        if (Path(source) / "manifest.json").is_file():
            say("load")
            posterior = beliefs.load_run(source)
        else:
            loaded = beliefs.load_study(source, as_of=as_of)
            chosen = opt.chosen_theory(theory, priors, "theory", loaded)
            say("track")
            tracked = beliefs.track(loaded, chosen, particles=particles, seed=seed)
            posterior = posterior_at(tracked, tracked.n_time - 1)
        found = beliefs.sensitivity(
            posterior, horizon, seed=seed, actions=not beliefs_only,
            scales=factors, particles=particles, allow_failed=allow_failed, progress=say,
        )  # fmt: skip
    result = found.as_dict()
    opt.show(result, _tell_sensitivity(result), as_json)
    if out is not None:
        write_file(out, opt.as_text(result))


def _tell_sensitivity(result: dict[str, Any]) -> Iterator[str]:
    items = result["probabilities"]
    yield f"{result['study']} as of {result['as_of']} under {result['theory']}"
    yield "\nProbabilities; change per doubling of the power of prior | likelihood"
    for item in items:
        if item["own_rule"]:
            flag = "  prior dominated" if item["prior_dominated"] else ""
            flag += "  prior and data in conflict" if item["prior_data_conflict"] else ""
            yield (
                f"  {_label(item):<34} {item['p']:.3f} ± {item['mcse']:.3f}  "
                f"{item['power_prior']:+.3f} | {item['power_likelihood']:+.3f}{flag}"
            )
    if others := [item for item in items if not item["own_rule"]]:
        yield "\nOther crack rules"
    for item in others:
        yield f"  {_label(item):<34} {item['p']:.3f} ± {item['mcse']:.3f}"
    yield f"\nPriors of one part wider or narrower: changes of {MOVED:.2f} and two errors, or more"
    for point in result["scales"]:
        convergence = "" if point["converged"] else ", its convergence check FAILED"
        k = "" if point["pareto_k"] is None else f", k {point['pareto_k']:.2f}"
        yield f"  {point['part']} x {point['scale']:g} ({point['method']}{convergence}{k})"
        for item, p, error in zip(items, point["p"], point["error_of_change"], strict=True):
            change = p - item["p"]
            if item["own_rule"] and abs(change) >= max(MOVED, SURE * error):
                yield f"    {_label(item):<32} {p:.3f}  {change:+.3f} ± {error:.3f}"
    rows = sorted(result["contraction"], key=lambda row: -row["contraction"])
    line = "  {contraction:6.0%}  {prior_sd:.3f} -> {posterior_sd:.3f}  {name}"
    yield "\nContraction: 1 - sd after / sd before the data"
    yield from (line.format_map(row) for row in rows if row["learnable"])
    left = sum(not row["learnable"] for row in rows)
    yield f"  below 10 %: {left} of {len(rows)}, not learnable here"


def _label(item: dict[str, Any]) -> str:
    side = f" {item['side']}" if item["side"] else ""
    below = "" if item["threshold"] is None else f" below {item['threshold']:g}"
    rule = "" if item["own_rule"] else f"{below} for {item['periods']}"
    return f"{item['target']}{side}{rule} by {item['by']}"
