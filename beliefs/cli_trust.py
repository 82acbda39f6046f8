"""Commands that say how far to trust the rest: calibration and sensitivity."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from beliefs.cli_options import (
    AsOfOpt,
    JsonOpt,
    PriorsOpt,
    QuietOpt,
    SeedOpt,
    print_json,
    remaining,
)

__all__ = ["calibrate"]

SHOWN = 10  # quantities printed for a person


def calibrate(
    theory: Annotated[str, typer.Argument(help="Theory name, id or TOML file.")],
    sims: Annotated[int, typer.Option("--sims", min=1, help="Simulations in all.")] = 200,
    study: Annotated[
        str, typer.Option("--study", help="Study or folder whose design drawn studies have.")
    ] = "us-iran-2026",
    as_of: AsOfOpt = None,
    priors: PriorsOpt = None,
    particles: Annotated[
        int, typer.Option("--particles", min=100, help="Particles of each block.")
    ] = 400,
    draws: Annotated[
        int, typer.Option("--draws", min=20, help="Posterior draws the truth is ranked among.")
    ] = 100,
    horizon: Annotated[int, typer.Option("--horizon", min=1, help="Periods ahead.")] = 30,
    seed: SeedOpt = 1,
    cores: Annotated[
        int | None, typer.Option("--cores", min=1, help="Processes [all]; changes no number.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder [runs/calibration-ID]; one that was stopped goes on."),
    ] = None,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Draw studies from a theory, track them, and see whether the truth ranks evenly (SBC)."""
    from beliefs.record.calibration import FIGURE
    from beliefs.record.calibration import calibrate as simulate
    from beliefs.study.load import load_study
    from beliefs.theory.theory import load_theory

    chosen, design = load_theory(theory, priors), load_study(study, as_of=as_of)
    out = out or Path("runs") / f"calibration-{chosen.id}"
    with remaining(quiet, "simulations") as say:
        found = simulate(
            chosen, design, out, sims=sims, seed=seed, particles=particles, draws=draws,
            horizon=horizon, cores=cores or os.cpu_count() or 1, progress=say,
        )  # fmt: skip
    if len(found.numbers):
        import matplotlib as mpl

        mpl.use("agg")
        from beliefs.view.calibration import plot_calibration

        plot_calibration(found)[0].figure.savefig(out / FIGURE, dpi=120)
    if as_json:
        print_json(found.as_dict())
    else:
        _tell(found.as_dict(), out, found.seconds)
    if not found.passed:
        raise SystemExit(3)


def _tell(told: dict[str, Any], out: Path, seconds: float) -> None:
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
        write(
            f"    p {row['p']:.4f} (of all {row['adjusted']:.3f})  mean {row['mean']:.2f}  "
            f"spread {row['spread']:.2f}  {row['name']}\n"
        )
    if len(rows) > SHOWN:
        write(f"    and {len(rows) - SHOWN} more in {out / 'calibration.json'}\n")
    verdict = "calibrated" if told["passed"] else "NOT calibrated"
    write(f"  {verdict}, allowing for how many are judged at once\n")
    write(f"  {told['cut']}\n")
    write(f"{out}: {seconds / 60.0:.1f} minutes of processor time\n")
