"""Commands that say how far to trust the rest: calibration and sensitivity."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import beliefs
from beliefs.cli.options import (
    STUDY,
    AsOfOpt,
    BeliefsOnlyOpt,
    FailedOpt,
    HorizonOpt,
    JsonOpt,
    PriorsOpt,
    QuietOpt,
    SeedOpt,
    TheoryOpt,
    print_json,
    remaining,
    stages,
    to_write,
)

__all__ = ["calibrate", "sensitivity"]

SHOWN = 10  # quantities printed for a person
MOVED, SURE = 0.01, 2.0  # least change printed, and in Monte-Carlo errors


def calibrate(
    theory: Annotated[str, typer.Argument(help="Theory name, id or TOML file.")],
    sims: Annotated[int, typer.Option("--sims", min=1, help="Simulations in all.")] = 200,
    study: Annotated[
        str, typer.Option("--study", help="Study or folder whose design drawn studies have.")
    ] = STUDY,
    as_of: AsOfOpt = None,
    priors: PriorsOpt = None,
    particles: Annotated[
        int, typer.Option("--particles", min=100, help="Particles of each block.")
    ] = 1000,
    draws: Annotated[
        int, typer.Option("--draws", min=20, help="Posterior draws the truth is ranked among.")
    ] = 100,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Periods ahead.")] = 30,
    seed: SeedOpt = 1,
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
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Draw studies from a theory, track them, and see whether the truth ranks evenly (SBC)."""
    from beliefs.records.calibration import FIGURE

    chosen, design = beliefs.load_theory(theory, priors), beliefs.load_study(study, as_of=as_of)
    out = out or Path("runs") / f"calibration-{chosen.id}"
    try:
        with remaining(quiet, "simulations") as say:
            found = beliefs.calibrate(
                chosen, design, out, sims=sims, seed=seed, particles=particles, draws=draws,
                horizon=horizon, workers=cores or os.cpu_count() or 1, scheduler=scheduler,
                progress=say,
            )  # fmt: skip
    except KeyboardInterrupt:
        sys.stderr.write(f"simulations that were done are kept in {out}: the command goes on\n")
        raise
    if len(found.numbers):
        import matplotlib as mpl

        mpl.use("agg")
        from beliefs.reporting.axes import save_figure
        from beliefs.reporting.plots import plot_calibration

        save_figure(plot_calibration(found)[0].figure, out / FIGURE, dpi=120)
    if as_json:
        print_json(found.as_dict())
    else:
        _tell(found.as_dict(), out, found.seconds)
    if not found.passed:
        raise SystemExit(3)


def _tell(told: dict[str, Any], out: Path, seconds: float) -> None:
    """Print a calibration for a person."""
    from beliefs.evaluation.calibration.uniformity import in_words

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
        ranked = (
            "" if row["mean"] is None else (f"mean {row['mean']:.2f}  spread {row['spread']:.2f}  ")
        )
        write(f"    p {row['p']:.2g} (of all {row['adjusted']:.2g})  {ranked}{row['name']}\n")
    if len(rows) > SHOWN:
        write(f"    and {len(rows) - SHOWN} more in {out / 'calibration.json'}\n")
    for row in told["groups"]:
        ranked = (
            ""
            if row["mean"] is None
            else (
                f"  mean {row['mean']:.3f}  spread {row['spread']:.3f}"
                + ("" if row["error"] is None else f" ± {row['error']:.3f}")
            )
        )
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
    theory: TheoryOpt = "mutual_optimism",
    priors: PriorsOpt = None,
    as_of: AsOfOpt = None,
    horizon: HorizonOpt = None,
    scales: Annotated[
        str, typer.Option("--scales", help="Factors of the width of the priors, by commas.")
    ] = "0.5,2",
    particles: Annotated[
        int, typer.Option("--particles", min=100, help="Particles of what is tracked.")
    ] = 2000,
    seed: SeedOpt = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="JSON file to write as well; must be new.", callback=to_write(new=True)
        ),
    ] = None,
    beliefs_only: BeliefsOnlyOpt = False,
    allow_failed: FailedOpt = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Say how forecasts move with crack rule and priors, and what the study taught."""
    from beliefs.study.writefile import write_file

    factors = _factors(scales)
    with stages(quiet) as say:
        posterior = _source(source, theory, priors, as_of, seed, particles, say)
        found = beliefs.sensitivity(
            posterior, horizon, seed=seed, actions=not beliefs_only,
            scales=factors, particles=particles, allow_failed=allow_failed, progress=say,
        )  # fmt: skip
    told = found.as_dict()
    if out is not None:
        import json

        text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
        write_file(out, text + "\n")
    if as_json:
        print_json(told)
    else:
        _tell_sensitivity(told)


def _source(
    source: str,
    theory: str,
    priors: Path | None,
    as_of: str | None,
    seed: int,
    particles: int,
    say: Any,
) -> Any:
    """Return the posterior of a run folder or of a study."""
    if (Path(source) / "manifest.json").is_file():
        say("load")
        return beliefs.load_run(source)
    from beliefs.inference.smc.track import posterior_at

    loaded, chosen = beliefs.load_study(source, as_of=as_of), beliefs.load_theory(theory, priors)
    say("track")
    found = beliefs.track(loaded, chosen, particles=particles, seed=seed)
    return posterior_at(found, found.n_time - 1)


def _factors(text: str) -> tuple[float, ...]:
    from beliefs.errors import StudyError

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
