"""One thing done with many studies, each kept in a run folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import beliefs
from beliefs.cli import options as opt
from beliefs.cli.runs import forecast_kept
from beliefs.errors import BeliefsError, StudyError, counted
from beliefs.evaluation.workers import done
from beliefs.inference.sampled import PARTICLES, sampled, settings_for
from beliefs.study.panels import load_panel

Do = Literal["run", "track", "forecast"]


@dataclass(frozen=True)
class Plan:
    """What every study gets; each has the same seed."""

    do: Do
    out: Path
    theory: str
    prior: opt.Source | None
    seed: int
    particles: int


def batch(
    studies: Annotated[str, typer.Argument(help="Folder of study folders, or a panel.")],
    out: Annotated[Path, typer.Option(help="Folder of run folders; goes on where it stopped.")],
    do: Annotated[
        Do, typer.Option(help="As the commands of that name; forecast keeps the track too.")
    ] = "track",
    theory: opt.Theory = "mutual_optimism",
    prior: opt.Prior = None,
    particles: Annotated[int, typer.Option(min=400, help="Particles of each.")] = PARTICLES,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Run, track or forecast every study of a folder, in many processes or on a cluster."""
    names = _names(studies)
    left = [name for name in names if not (out / Path(name).name).exists()]
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(do, out.absolute(), theory, prior, seed, particles)
    rows = []
    with opt.stages(quiet) as say:
        say(do)
        for row in done(_one, left, lambda: plan, cores, scheduler):
            rows.append(row)
            say.share_done(len(rows) / len(left))
    rows.sort(key=lambda row: str(row["study"]))
    wrong = [row for row in rows if row["error"]]
    lines = [f"  {row['study']}: {row['error']}" for row in wrong]
    counts = f"{len(rows) - len(wrong)} done, {len(names) - len(left)} were there already"
    lines.append(f"{out}: {counted(len(names), 'study', 'studies')}, {counts}, {len(wrong)} failed")
    opt.show({"out": str(out), "studies": rows}, lines, as_json)
    if wrong:
        raise SystemExit(3)


def _names(studies: str) -> list[str]:
    """Return the studies of a folder, or the conflicts of a panel."""
    if Path(studies).is_dir() and not (Path(studies) / "conflicts.csv").is_file():
        found = sorted(str(path.parent.absolute()) for path in Path(studies).glob("*/study.toml"))
    else:
        found = [f"{studies}/{conflict}" for conflict in load_panel(studies).conflicts]
    if not found:
        raise StudyError(
            "there is no study", where=studies, found="no folder with a study.toml",
            expected="a folder of study folders", fix="make one with `beliefs new-study`",
        )  # fmt: skip
    return found


def _one(name: str, shared: Plan) -> dict[str, Any]:
    """Do what is planned with one study; an error is told, not raised, so that others go on."""
    out = shared.out / Path(name).name
    try:
        study = beliefs.load_study(name)
        theory = opt.chosen_theory(shared.theory, None, shared.prior, study)
        found: Any
        kept: dict[str, Any] = {}
        if shared.do == "run":
            kept["settings"] = settings_for(study, None, shared.particles)
            found = sampled(study, theory, kept["settings"], seed=shared.seed)
        else:
            found = beliefs.track(study, theory, particles=shared.particles, seed=shared.seed)
        if shared.do == "track":
            beliefs.save_run(out, found)
        else:
            forecast_kept(out, found, lambda _: None, kept, seed=shared.seed)
        return {"study": name, "error": None}
    except BeliefsError as error:
        return {"study": name, "error": str(error)}
