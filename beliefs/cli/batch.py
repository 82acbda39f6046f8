"""One thing done with many studies, each kept in a run folder of its own."""

from __future__ import annotations

import traceback
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
from beliefs.model.theory import theory_of
from beliefs.records.files import read_manifest
from beliefs.study.panels import load_panel

Do = Literal["run", "track", "forecast"]


@dataclass(frozen=True)
class Plan:
    """What every study gets; each has the same seed."""

    do: Do
    out: Path
    theory: str | None
    prior: opt.Source | None
    seed: int
    particles: int | None


def batch(
    studies: Annotated[str, typer.Argument(help="Folder of study folders, or a panel.")],
    out: Annotated[Path, typer.Option(help="Folder of run folders; goes on where it stopped.")],
    do: Annotated[
        Do, typer.Option(help="As the commands of that name; forecast keeps the track too.")
    ] = "track",
    theory: opt.Theory = None,
    prior: opt.Prior = None,
    particles: Annotated[
        int | None, typer.Option(min=400, help=f"Particles of each [{PARTICLES}].")
    ] = None,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Run, track or forecast every study of a folder, in many processes or on a cluster."""
    names = _names(studies)
    if theory and Path(theory).is_file():
        theory = str(Path(theory).absolute())  # a worker stands elsewhere
    plan = Plan(do, out.absolute(), theory, prior, seed, particles)
    there = {name: _there(plan, name) for name in names if (out / Path(name).name).exists()}
    left = [name for name in names if name not in there]
    out.mkdir(parents=True, exist_ok=True)
    rows = [{"study": name, "error": error} for name, error in there.items() if error]
    stopped = None
    with opt.progress_bar(quiet) as say:
        say(do)
        try:
            for count, row in enumerate(done(_one, left, lambda: plan, cores, scheduler), 1):
                rows.append(row)
                say.share_done(count / len(left))
        except StudyError as error:  # of workers; what others did is reported first
            stopped = error
    rows.sort(key=lambda row: str(row["study"]))
    wrong = [row for row in rows if row["error"]]
    lines = [f"  {row['study']}: {row['error']}" for row in wrong]
    counts = f"{len(rows) - len(wrong)} done, {len(there)} were there already"
    lines.append(f"{out}: {counted(len(names), 'study', 'studies')}, {counts}, {len(wrong)} failed")
    opt.show({"out": str(out), "studies": rows}, lines, as_json)
    if stopped is not None:
        raise stopped
    if wrong:
        raise SystemExit(3)


def _there(plan: Plan, name: str) -> str | None:
    """Return what is wrong with a run folder that is there already, None where it is as planned."""
    folder = plan.out / Path(name).name
    try:
        manifest = read_manifest(folder)
    except BeliefsError as error:
        return str(error)
    if not manifest["convergence"]["passed"]:
        return f"{folder} is there and failed its convergence check; remove it to try again"
    made = manifest["theory"], manifest["seed"]["fit"]
    asked = theory_of(plan.theory).name if plan.theory else made[0], plan.seed
    if asked != made or (plan.do != "track" and manifest["horizon"] is None):
        return f"{folder} is there and holds something else; remove it, or choose another --out"
    return None


def _names(studies: str) -> list[str]:
    """Return the studies of a folder, or the conflicts of a panel."""
    if Path(studies).is_dir() and not (Path(studies) / "conflicts.csv").is_file():
        found = sorted(str(path.parent.absolute()) for path in Path(studies).glob("*/study.toml"))
    else:
        panel = Path(studies).absolute() if Path(studies).is_dir() else studies
        found = [f"{panel}/{conflict}" for conflict in load_panel(studies).conflicts]
    if not found:
        raise StudyError(
            "there is no study", where=studies, found="no folder with a study.toml",
            expected="a folder of study folders", fix="make one with `beliefs new-study`",
        )  # fmt: skip
    return found


def _one(name: str, shared: Plan) -> dict[str, Any]:
    """Do what is planned with one study; an error is reported, not raised: others go on."""
    out, failed = shared.out / Path(name).name, None
    try:
        study = beliefs.load_study(name)
        theory = opt.chosen_theory(shared.theory, None, shared.prior, study)
        found: Any
        kept: dict[str, Any] = {}
        if shared.do == "run":
            kept["settings"] = settings_for(study, None, shared.particles)
            found = sampled(study, theory, kept["settings"], seed=shared.seed)
        else:
            particles = shared.particles or PARTICLES
            found = beliefs.track(study, theory, particles=particles, seed=shared.seed)
        if shared.do == "track":
            beliefs.save_run(out, found)
            failed = "; ".join(found.report().failures) or None
        else:
            forecast_kept(out, found, lambda _: None, kept, seed=shared.seed)
    except BeliefsError as error:
        failed = str(error)
    except Exception:  # a bug in one stops no other, and hides nothing
        failed = traceback.format_exc()
    return {"study": name, "error": failed}
