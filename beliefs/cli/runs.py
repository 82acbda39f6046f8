"""Commands on run folders that exist already."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import beliefs
from beliefs.cli.options import (
    AsOfOpt,
    BeliefsOnlyOpt,
    FailedOpt,
    HorizonOpt,
    InterveneOpt,
    JsonOpt,
    PriorsOpt,
    QuietOpt,
    SeedOpt,
    StudyArg,
    TheoryOpt,
    changed_by,
    planned,
    print_json,
    refuse_occupied,
    show_with_differences,
    stages,
    to_write,
)
from beliefs.errors import counted
from beliefs.inference.nuts.sampling import MAX_SEED

__all__ = ["diff", "forecast", "report", "reproduce", "track", "update"]

RunArg = Annotated[Path, typer.Argument(help="Run folder.")]
PARTS = 6  # parts of a moved belief printed for a person


def forecast(
    run: RunArg,
    horizon: HorizonOpt = None,
    seed: SeedOpt = 1,
    intervene: InterveneOpt = None,
    allow_failed: FailedOpt = False,
    beliefs_only: BeliefsOnlyOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Forecast from the posterior of a run; with --intervene, beside no intervention."""
    interventions = planned(intervene)
    told = beliefs.forecast(
        beliefs.load_run(run),
        horizon,
        seed=seed,
        interventions=interventions,
        allow_failed=allow_failed,
        actions=not beliefs_only,
    )
    show_with_differences(beliefs.summarise(told), changed_by(told), as_json)


def report(
    run: RunArg,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.", callback=to_write())],
    horizon: HorizonOpt = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, max=MAX_SEED, help="Seed of the futures [the run's own]."),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option("--verdicts", help="What `verdicts STUDY --json` printed: adds a page of it."),
    ] = None,
    allow_failed: FailedOpt = False,
) -> None:
    """Write the HTML report of a run anew: its own horizon, seed and interventions by default."""
    from beliefs.records.files import read_manifest
    from beliefs.reporting.report import read_verdicts
    from beliefs.simulation.interventions import parse

    manifest = read_manifest(run)
    judged = [] if claims is None else read_verdicts(claims, manifest)
    posterior = beliefs.load_run(run)
    made = manifest["horizon"] is not None
    if seed is None:
        seed = manifest["seed"]["forecast"] if made else 1
    told = beliefs.forecast(
        posterior,
        horizon or manifest["horizon"],
        seed=seed,
        interventions=[parse(str(run / "manifest.json"), t) for t in manifest["interventions"]],
        allow_failed=allow_failed or made,  # a run that forecast from a failed gate was allowed to
        actions=posterior.kept is not None or not made,
    )
    beliefs.write_report(told, beliefs.summarise(told), out, manifest, judged)
    sys.stdout.write(f"Report: {out}\n")


def track(
    study: StudyArg,
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; must be new.")],
    theory: TheoryOpt = "mutual_optimism",
    priors: PriorsOpt = None,
    as_of: AsOfOpt = None,
    particles: Annotated[int, typer.Option("--particles", min=400, help="Particles.")] = 2000,
    seed: SeedOpt = 1,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Follow the posterior through every period; killed, it is simply run again."""
    from beliefs.records.place import refuse_inside, reserved

    refuse_occupied(out)
    loaded, chosen = beliefs.load_study(study, as_of=as_of), beliefs.load_theory(theory, priors)
    refuse_inside(out, loaded.path)
    with stages(quiet) as say, reserved(out) as aside:
        found = beliefs.track(loaded, chosen, particles=particles, seed=seed, progress=say)
        beliefs.save_run(out, found, aside=aside)
    _tell({"run": str(out), "as_of": str(loaded.as_of)}, found, as_json)
    if not found.report().passed:
        raise SystemExit(3)


def update(
    run: RunArg,
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; must be new.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="CSV file of new rows of a table; may be given several times."),
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="New as-of date, YYYY-MM-DD.")] = None,
    particles: Annotated[
        int, typer.Option("--particles", min=400, help="Particles to begin with, from a fit.")
    ] = 2000,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Go on from a run with new rows or to a later date; the old run stays as it is."""
    with stages(quiet) as say:
        done = beliefs.update(run, out, data=data, to=to, particles=particles, progress=say)
    _tell(done.as_dict(), done.track, as_json)


def _tell(record: dict[str, Any], found: Any, as_json: bool) -> None:
    """Print what was done, and where each belief stands at the end of a track."""
    from beliefs.inference.smc.track import belief_now

    gate, beliefs = found.report(), belief_now(found)
    if as_json:
        rows = [dict(zip(("side", "mean", "lower", "upper"), row, strict=True)) for row in beliefs]
        print_json({**record, "belief": rows, "gate": gate.as_dict()})
        return
    out = [f"{record['run']}: as of {record['as_of']}, {gate.ess:.0f} effective particles"]
    if record.get("took_over"):
        out.append(f"began with {len(found.epochs[0])} draws of the fit")
    if "rows" in record:
        gained = (counted(record[f"{kind}s"], f"new {kind}") for kind in ("row", "period"))
        out.append(", ".join(gained))
    if record.get("given"):
        of = counted(record["given"], "row")
        late = f", {record['waiting']} of them not yet published" if record["waiting"] else ""
        more = record["rows"] > record["given"] - record["waiting"]
        rest = "; the others are the study's own, up to that date" if more else ""
        out.append(f"--data brought {of}{late}{rest}")
    if record.get("end"):
        out.append(f"the study's period ends on {record['end']} now")
    if record.get("back_to"):
        day, n = record["back_to"], record["back"]
        out.append(f"inputs of {day} had changed: went back {counted(n, 'period')}, to there")
    for side, mean, lower, upper in beliefs:
        out.append(f"belief of {side}: {mean:.1%} (90% interval {lower:.0%}–{upper:.0%})")
    sys.stdout.write("\n".join(out) + "\n")
    if not gate.passed:
        sys.stderr.write(f"gate FAILED: {'; '.join(gate.failures)}\n  mend:     {gate.mend}\n")


def reproduce(run: RunArg, as_json: JsonOpt = False, quiet: QuietOpt = False) -> None:
    """Recompute a run and say how close it comes: to the bit, or within Monte-Carlo error."""
    from beliefs.records.compare_runs import reproduce as recompute

    with stages(quiet) as say:
        found = recompute(run, progress=say)
    if as_json:
        print_json(found.as_dict())
    else:
        sys.stdout.write(f"{run}: {found.verdict}\n")
        if not found.posterior_identical:
            sys.stdout.write(
                f"  largest distance {found.distance:.1f} Monte-Carlo standard errors "
                f"({found.worst}); two honest runs stay below {found.limit:.1f}\n"
            )
            why = found.environment or ("nothing recorded: another processor, perhaps",)
            sys.stdout.write("".join(f"  {line}\n" for line in why))
    if found.verdict == "different":
        raise SystemExit(3)


def diff(
    one: Annotated[Path, typer.Argument(help="Earlier run folder.")],
    two: Annotated[Path, typer.Argument(help="Later run folder.")],
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Say what moved between two runs: rows, beliefs and by what, probabilities."""
    from beliefs.records.compare_runs import diff_runs

    with stages(quiet) as say:
        say("compare")
        found = diff_runs(one, two)
    if as_json:
        print_json(found)
        return
    first, second = found["runs"]
    out = [f"from {first['origin']} to {second['origin']}"]
    if first["theory_sha256"] != second["theory_sha256"]:
        out.append(f"theories differ: {first['theory']}, {second['theory']} (or their priors)")
    for table, rows in found["rows"].items():
        if rows["added"] or rows["removed"]:
            added = counted(rows["added"], "row")
            out.append(f"{table}: {added} added, {rows['removed']} removed")
    for item in found["beliefs"]:
        then, now = item["then"]["mean"], item["now"]["mean"]
        out.append(
            f"belief of {item['side']}: {then:.1%} -> {now:.1%} ({item['change']:+.2f} log-odds), "
            "of which"
        )
        out += [_part(part) for part in item["parts"][:PARTS]]
        rest = sum(part["mean"] for part in item["parts"][PARTS:])
        if len(item["parts"]) > PARTS:
            out.append(f"  {rest:+.3f}  {len(item['parts']) - PARTS} smaller parts together")
    if found["targets"]:
        out.append("probabilities, each of what happens from its own origin on:")
    out += [
        f"  {t['target']}{' of ' + t['side'] if t['side'] else ''} by {t['by']}: "
        f"{t['then']:.1%} -> {t['now']:.1%} ({100 * t['difference']:+.1f} ±{100 * t['mcse']:.1f})"
        for t in found["targets"]
    ]
    if found["untold"]:
        out.append(f"no probabilities: {found['untold']}")
    sys.stdout.write("\n".join(out) + "\n")


def _part(part: dict[str, Any]) -> str:
    same = part["kind"] in (part["name"], "reread")
    return f"  {part['mean']:+.3f}  {part['name'] if same else part['kind'] + ' ' + part['name']}"
