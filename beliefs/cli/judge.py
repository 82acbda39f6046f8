"""Commands that judge: theories, claims, forecasts, and how far to trust any of it."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
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
from beliefs.evaluation.compare import doubts
from beliefs.evaluation.scores.skill import BLOCKS, block_length
from beliefs.inference.smc.track import posterior_at
from beliefs.model.theory import bundled_theories
from beliefs.records.backtests import rescore, save_backtest
from beliefs.records.calibration import FIGURE
from beliefs.reporting.axes import save_figure
from beliefs.reporting.tables import backtest_text
from beliefs.study.writefile import write_file

ParticlesOpt = Annotated[
    int | None,
    typer.Option("--particles", min=100, help="Particles of each block [by the study]."),
]
CsvOpt = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
PlotOpt = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        help="Image file of the weights over time; must be new.",
        callback=opt.to_write(new=True, image=True),
    ),
]
COLUMNS = (
    "id", "theory", "verdict", "p_claim", "p_prior", "contraction", "log_bf", "delta_log_score",
    "delta_low", "delta_high", "method", "seed", "title", "claimed", "why", "sentence",
)  # fmt: skip
SHOWN = 10  # quantities printed for a person
MOVED, SURE = 0.01, 2.0  # least change printed, and in Monte-Carlo errors
WIDTH = 88  # characters of a sentence's line for a person


def compare(
    study: opt.Study = opt.STUDY,
    theories: Annotated[
        str | None, typer.Option("--theories", help="Names or ids, by commas [all].")
    ] = None,
    as_of: opt.AsOf = None,
    particles: ParticlesOpt = None,
    seed: opt.Seed = 1,
    plot: PlotOpt = None,
    as_json: opt.Json = False,
    as_csv: CsvOpt = False,
    quiet: opt.Quiet = False,
) -> None:
    """Score rival theories on a study, period by period: table, differences, weights over time."""
    _only_one(as_json, as_csv)
    names = theories.split(",") if theories else bundled_theories()
    loaded = beliefs.load_study(study, as_of=as_of)
    chosen = sorted((beliefs.load_theory(name.strip()) for name in names), key=lambda t: t.id)
    with opt.stages(quiet) as say:
        found = beliefs.compare(
            loaded, chosen, seed=seed, particles=particles or 1000, progress=say
        )
    if plot is not None:
        _draw("plot_weights", plot, 150, found, loaded)
    if as_json:
        opt.print_json(found.as_dict() | {"confused": doubts(found.ids)})
        return
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
    if as_csv:
        _print_csv(table)
        return
    sys.stdout.write(
        f"{found.study}: log score of {', '.join(found.observables)} over {len(found.dates)} "
        "periods, each foretold from those before it\n\n"
    )
    lines = [list(table), *table.astype(str).to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        cells[2] = line[2].ljust(widths[2])
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.write(
        "\nelpd_diff is against the best theory, vs_base against M0 with its 90 % interval by "
        "blocks of periods;\nweight is the stacking weight after the last period, M5 the stack of "
        "all by the weights of before.\n"
    )
    if found.blocks < BLOCKS:
        days = block_length(found.step_days) * found.step_days
        sys.stdout.write(
            f"Scored periods fill {found.blocks} of the {BLOCKS} blocks of {days} days that errors "
            "and intervals need: none are given.\n"
        )
    for better, worse in found.tied:
        sys.stdout.write(f"{better} and {worse} cannot be told apart by this study.\n")
    for doubt in doubts(found.ids):
        sys.stdout.write(doubt + "\n")


def verdicts(
    study: opt.Study = opt.STUDY,
    as_of: opt.AsOf = None,
    particles: ParticlesOpt = None,
    seed: opt.Seed = 1,
    as_json: opt.Json = False,
    as_csv: CsvOpt = False,
    quiet: opt.Quiet = False,
) -> None:
    """Judge every claim of the source texts by a study: 56 verdicts, each with its evidence."""
    _only_one(as_json, as_csv)

    loaded = beliefs.load_study(study, as_of=as_of)
    with opt.stages(quiet) as say:
        found = beliefs.verdicts(loaded, seed=seed, particles=particles, progress=say)
    rows = [row.as_dict() for row in found]
    if as_json:
        head = {"study": loaded.spec.name, "study_sha256": loaded.sha256}
        opt.print_json({**head, "as_of": str(loaded.as_of), "verdicts": rows})
    elif as_csv:
        _print_csv(pd.DataFrame(rows, columns=COLUMNS, dtype=object))
    else:
        _tell(rows)


def _tell(rows: Sequence[dict[str, Any]]) -> None:
    """Print verdicts for a person, text by text."""
    for seed in dict.fromkeys(row["seed"] for row in rows):
        mine = [row for row in rows if row["seed"] == seed]
        sys.stdout.write(f"\n{seed}\n")
        for row in mine:
            sys.stdout.write(f"\n{row['id']}  {row['verdict']:<19} {row['title']}\n")
            for line in textwrap.wrap(row["sentence"], WIDTH):
                sys.stdout.write(f"     {line}\n")
    count = Counter(row["verdict"] for row in rows)
    sys.stdout.write("\n" + ", ".join(f"{n} {name}" for name, n in count.most_common()) + "\n")


def _print_csv(table: pd.DataFrame) -> None:
    sys.stdout.write(table.to_csv(index=False, lineterminator="\n"))


def _draw(figure: str, file: Path, dpi: int, *of: Any) -> None:
    """Write a figure of `beliefs.reporting.plots`, which takes a second to load."""
    import matplotlib as mpl

    mpl.use("agg")
    from beliefs.reporting import plots

    drawn = np.ravel(getattr(plots, figure)(*of))[0]
    save_figure(drawn.figure, file, dpi=dpi)


def _only_one(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise StudyError(
            "two formats at once",
            where="options",
            found="--json and --csv",
            expected="one of them",
            mend="leave one out",
        )


def backtest(
    study: opt.Study = opt.STUDY,
    theory: Annotated[
        list[str] | None, typer.Option("--theory", help="Name, id or file; may be repeated [all].")
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Days from origin to origin.")] = 7,
    horizons: Annotated[str, typer.Option("--horizons", help="Days ahead, by commas.")] = "7,30,90",
    first: Annotated[
        str | None, typer.Option("--from", help="First day an origin may be, YYYY-MM-DD.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last day an origin may be, YYYY-MM-DD.")
    ] = None,
    as_of: opt.AsOf = None,
    particles: Annotated[
        int | None, typer.Option("--particles", min=100, help="Particles of each block [1000].")
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=50, help="Futures from each origin [500].")
    ] = None,
    seed: opt.Seed = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write; must be new.")] = None,
    again: Annotated[
        Path | None,
        typer.Option("--again", help="Score a run folder's forecasts anew, none made."),
    ] = None,
    as_json: opt.Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table of skill as CSV.")] = False,
    quiet: opt.Quiet = False,
) -> None:
    """Forecast from rolling origins, as-of data only, and score against what came."""
    _only_one(as_json, as_csv)
    days = _days(horizons)
    opt.refuse_occupied(out)
    if again is not None and (
        theory or as_of or first or last or particles or draws or study != opt.STUDY
    ):
        raise StudyError(
            "forecasts that were made have a study and settings", where="--again",
            found="a study, theories, days, particles or draws as well",
            expected="the run folder alone", mend="leave them out",
        )  # fmt: skip
    with opt.stages(quiet or again is not None) as say, opt.Place(out) as place:
        if again is not None:
            place.take(again / "study")
            found, loaded = rescore(again)
        else:
            loaded = beliefs.load_study(study, as_of=as_of)
            chosen = [beliefs.load_theory(name) for name in theory] if theory else None
            place.take(loaded.path)
            found = beliefs.backtest(
                loaded,
                chosen,
                every=every,
                horizons=days,
                particles=particles or BACKTEST_PARTICLES,
                draws=draws or DRAWS,
                seed=seed,
                first=first,
                last=last,
                progress=say,
            )
        if out is not None:
            say("write")
            save_backtest(out, found, loaded, **place.taken)
    if as_json:
        opt.print_json(found.as_dict())
    elif as_csv:
        _print_csv(found.skill)
    else:
        sys.stdout.write(backtest_text(found) + "\n")
        if out is not None:
            sys.stdout.write(f"\nForecasts and scores: {out}\n")


def _days(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise StudyError(
            "these are no horizons", where="--horizons", found=text,
            expected="whole days by commas", mend="--horizons 7,30,90",
        ) from None  # fmt: skip


def calibrate(
    theory: Annotated[str, typer.Argument(help="Theory name, id or TOML file.")],
    sims: Annotated[int, typer.Option("--sims", min=1, help="Simulations in all.")] = 200,
    study: Annotated[
        str, typer.Option("--study", help="Study or folder whose design drawn studies have.")
    ] = opt.STUDY,
    as_of: opt.AsOf = None,
    priors: opt.Priors = None,
    particles: Annotated[
        int, typer.Option("--particles", min=100, help="Particles of each block.")
    ] = 1000,
    draws: Annotated[
        int, typer.Option("--draws", min=20, help="Posterior draws the truth is ranked among.")
    ] = 100,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Periods ahead.")] = 30,
    seed: opt.Seed = 1,
    cores: Annotated[
        int | None, typer.Option("--cores", min=1, help="Processes [all]; changes no number.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", help="Address of a dask scheduler to use, tcp://HOST:PORT."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder [runs/calibration-ID]; one that was stopped goes on."),
    ] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Draw studies from a theory, track them, and see whether the truth ranks evenly (SBC)."""
    chosen, design = beliefs.load_theory(theory, priors), beliefs.load_study(study, as_of=as_of)
    out = out or Path("runs") / f"calibration-{chosen.id}"
    try:
        with opt.remaining(quiet, "simulations") as say:
            found = beliefs.calibrate(
                chosen, design, out, sims=sims, seed=seed, particles=particles, draws=draws,
                horizon=horizon, workers=cores or os.cpu_count() or 1, scheduler=scheduler,
                progress=say,
            )  # fmt: skip
    except KeyboardInterrupt:
        sys.stderr.write(f"simulations that were done are kept in {out}: the command goes on\n")
        raise
    if len(found.numbers):
        _draw("plot_calibration", out / FIGURE, 120, found)
    if as_json:
        opt.print_json(found.as_dict())
    else:
        _tell_calibration(found.as_dict(), out, found.seconds)
    if not found.passed:
        raise SystemExit(3)


def _tell_calibration(told: dict[str, Any], out: Path, seconds: float) -> None:
    """Print a calibration for a person."""
    write = sys.stdout.write
    write(
        f"{told['theory']}: {told['simulations']} simulations of the size of {told['study']} as of "
        f"{told['as_of']}, {told['judged']} quantities\n"
    )
    for number, error in told["failed"].items():
        write(f"  simulation {number} could not be done: {error}\n")
    write(
        f"  outside their {told['coverage']:.0%} bands: {len(told['outside'])} "
        f"({told['outside_by_chance']:.1f} expected by chance)\n"
    )
    rows = [row for row in told["quantities"] if row["outside"]]
    for row in rows[:SHOWN]:
        ranked = ""
        if row["mean"] is not None:
            ranked = f"mean {row['mean']:.2f}  spread {row['spread']:.2f}  "
        write(f"    p {row['p']:.2g} (of all {row['adjusted']:.2g})  {ranked}{row['name']}\n")
    if len(rows) > SHOWN:
        write(f"    and {len(rows) - SHOWN} more in {out / 'calibration.json'}\n")
    for row in told["groups"]:
        ranked = ""
        if row["mean"] is not None:
            ranked = f"  mean {row['mean']:.3f}  spread {row['spread']:.3f}"
            ranked += "" if row["error"] is None else f" ± {row['error']:.3f}"
        write(
            f"  {row['quantities']:>4} of {row['group']:<11} {row['outside']:>3} outside, at most "
            f"{row['limit']}{ranked}\n"
        )
    if told["probabilities"]:
        write("  probabilities within the horizon: forecast, happened; number and ranges judged\n")
    for row in told["probabilities"]:
        z = "     -" if row["z"] is None else f"{row['z']:+6.2f}"
        write(
            f"    {row['forecast']:.3f}  {row['happened']:.3f} ± {row['error']:.3f}  z {z}  "
            f"p {row['p']:.2g}, {row['reliability']:.2g}  {row['target']}\n"
        )
    write(f"  {in_words(told['passed'], told['simulations'])}\n")
    for reason in told["failures"]:
        write(f"    {reason}\n")
    write(f"  {told['cut']}\n")
    write(f"{out}: {seconds / 60.0:.1f} minutes of processor time\n")


def sensitivity(
    source: Annotated[
        str, typer.Argument(metavar="RUN|STUDY", help="Run folder; or a study, which is tracked.")
    ],
    theory: opt.Theory = "mutual_optimism",
    priors: opt.Priors = None,
    as_of: opt.AsOf = None,
    horizon: opt.Horizon = None,
    scales: Annotated[
        str, typer.Option("--scales", help="Factors of the width of the priors, by commas.")
    ] = "0.5,2",
    particles: Annotated[
        int, typer.Option("--particles", min=100, help="Particles of what is tracked.")
    ] = 2000,
    seed: opt.Seed = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="JSON file to write as well; must be new.",
            callback=opt.to_write(new=True),
        ),
    ] = None,
    beliefs_only: opt.BeliefsOnly = False,
    allow_failed: opt.Failed = False,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Say how forecasts move with crack rule and priors, and what the study taught."""
    factors = _factors(scales)
    with opt.stages(quiet) as say:
        if (Path(source) / "manifest.json").is_file():
            say("load")
            posterior = beliefs.load_run(source)
        else:
            loaded = beliefs.load_study(source, as_of=as_of)
            chosen = beliefs.load_theory(theory, priors)
            say("track")
            tracked = beliefs.track(loaded, chosen, particles=particles, seed=seed)
            posterior = posterior_at(tracked, tracked.n_time - 1)
        found = beliefs.sensitivity(
            posterior, horizon, seed=seed, actions=not beliefs_only,
            scales=factors, particles=particles, allow_failed=allow_failed, progress=say,
        )  # fmt: skip
    told = found.as_dict()
    if out is not None:
        text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
        write_file(out, text + "\n")
    if as_json:
        opt.print_json(told)
    else:
        _tell_sensitivity(told)


def _factors(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(0.0 < v < float("inf") for v in found):
        raise StudyError(
            "the scales cannot be used", where="--scales", found=text,
            expected="numbers above 0, by commas", mend="write --scales 0.5,2",
        )  # fmt: skip
    return found


def _tell_sensitivity(told: dict[str, Any]) -> None:
    """Print what moves the forecasts, and what was learnt, for a person."""
    write, items = sys.stdout.write, told["probabilities"]
    write(f"{told['study']} as of {told['as_of']} under {told['theory']}\n")
    write("\nProbabilities; change per doubling of the power of prior | likelihood\n")
    for item in items:
        if item["own_rule"]:
            flag = "  prior dominated" if item["prior_dominated"] else ""
            flag += "  prior and data in conflict" if item["prior_data_conflict"] else ""
            write(
                f"  {_label(item):<34} {item['p']:.3f} ± {item['mcse']:.3f}  "
                f"{item['power_prior']:+.3f} | {item['power_likelihood']:+.3f}{flag}\n"
            )
    others = [item for item in items if not item["own_rule"]]
    if others:
        write("\nOther crack rules\n")
        for item in others:
            write(f"  {_label(item):<34} {item['p']:.3f} ± {item['mcse']:.3f}\n")
    write(f"\nPriors of one part wider or narrower: changes of {MOVED:.2f} and two errors")
    write(", or more\n")
    for point in told["scales"]:
        gate = "" if point["gate_passed"] else ", its gate FAILED"
        k = "" if point["pareto_k"] is None else f", k {point['pareto_k']:.2f}"
        write(f"  {point['part']} x {point['scale']:g} ({point['method']}{gate}{k})\n")
        for item, p, error in zip(items, point["p"], point["error_of_change"], strict=True):
            change = p - item["p"]
            if item["own_rule"] and abs(change) >= max(MOVED, SURE * error):
                write(f"    {_label(item):<32} {p:.3f}  {change:+.3f} ± {error:.3f}\n")
    rows = sorted(told["contraction"], key=lambda row: -row["contraction"])
    write("\nContraction: 1 - sd after / sd before the data\n")
    for row in rows:
        if row["learnable"]:
            write(
                f"  {row['contraction']:6.0%}  {row['prior_sd']:.3f} -> {row['posterior_sd']:.3f}"
                f"  {row['name']}\n"
            )
    left = sum(not row["learnable"] for row in rows)
    write(f"  below 10 %: {left} of {len(rows)}, not learnable here\n")


def _label(item: dict[str, Any]) -> str:
    side = f" {item['side']}" if item["side"] else ""
    rule = ""
    if not item["own_rule"]:
        below = f" below {item['threshold']:g}" if item["threshold"] is not None else ""
        rule = f"{below} for {item['periods']}"
    return f"{item['target']}{side}{rule} by {item['by']}"
