"""Commands on run folders: written, forecast from, gone on with and compared."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

import beliefs
from beliefs.cli import options as opt
from beliefs.errors import BeliefsError, counted
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.summary import differences
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.posterior import Posterior
from beliefs.inference.sampled import LONG, PARTICLES, sampled, settings_for
from beliefs.inference.smc.track import Track, belief_now
from beliefs.records.files import read_manifest, seed_of
from beliefs.records.run import planned
from beliefs.reporting.tables import headline, plain
from beliefs.shown import Say
from beliefs.simulation.paths import check_plan

PARTS = 6  # parts of a moved belief printed for a person


def fit(
    study: opt.Study,
    out: opt.NewRun,
    theory: opt.Theory = None,
    priors: opt.Priors = None,
    prior: opt.Prior = None,
    as_of: opt.AsOf = None,
    seed: opt.Seed = 1,
    draws: opt.Draws = Sampling.draws,
    tune: opt.Tune = Sampling.tune,
    chains: opt.Chains = Sampling.chains,
    cores: opt.Cores = Sampling.cores,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Sample the posterior of a study under a theory and keep it in a run folder."""
    settings = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    with opt.progress_bar(quiet) as say, opt.Place(out) as place:
        say("check")
        loaded = beliefs.load_study(study, as_of=as_of)
        chosen = opt.chosen_theory(theory, priors, prior, loaded)
        place.take(loaded.path)
        sampling = Sampling(**settings)
        posterior = beliefs.fit(
            loaded, chosen, seed=seed, sampling=sampling, progress=say, share_done=say.share_done
        )
        say("write")
        beliefs.save_run(out, posterior, settings=settings, **place.taken)
    found = posterior.report.as_dict()
    verdict = "passed" if found["passed"] else "FAILED: " + "; ".join(found["failures"])
    line = f"{out}: convergence check {verdict} (R-hat {found['r_hat']}, ESS {found['ess']})"
    result = {"run": str(out), "convergence": found, "timings_seconds": posterior.timings}
    opt.show(result, [line], as_json)
    if not found["passed"]:
        sys.stderr.write(f"  fix:     {posterior.report.fix}\n")
        raise SystemExit(3)


def run(
    study: Annotated[str, typer.Argument(help="Bundled study or folder.")] = opt.STUDY,
    out: opt.AnyRun = None,
    theory: opt.Theory = None,
    priors: opt.Priors = None,
    prior: opt.Prior = None,
    as_of: opt.AsOf = None,
    seed: opt.Seed = 1,
    horizon: opt.Horizon = None,
    intervene: opt.Intervene = None,
    sampler: Annotated[
        Literal["particles", "nuts"] | None,
        typer.Option(help=f"What draws [particles; nuts beyond {LONG} periods]."),
    ] = None,
    particles: Annotated[int | None, typer.Option(min=400, help=f"How many [{PARTICLES}].")] = None,
    beliefs_only: opt.BeliefsOnly = False,
    allow_failed: opt.Failed = False,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Check, sample, forecast and report: the main job; with --intervene, beside none."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    out = out or Path("runs") / f"{Path(study).absolute().name}-{stamp}"
    interventions = beliefs.load_interventions(intervene) if intervene else ()
    with opt.progress_bar(quiet) as say, opt.Place(out) as place:
        say("check")
        loaded = beliefs.load_study(study, as_of=as_of)
        chosen = opt.chosen_theory(theory, priors, prior, loaded)
        check_plan(loaded, horizon, interventions)  # a slip of the pen must not cost a minute
        place.take(loaded.path)
        settings = settings_for(loaded, sampler, particles)
        posterior = sampled(loaded, chosen, settings, seed=seed, say=say, share_done=say.share_done)
        result, summary = forecast_kept(
            out, posterior, say, {"settings": settings, **place.taken}, horizon=horizon, seed=seed,
            interventions=interventions, allow_failed=allow_failed, actions=not beliefs_only,
        )  # fmt: skip
    _show(result, summary, as_json)
    if not as_json:
        sys.stdout.write(f"\nReport: {out / 'report.html'}\n")


def forecast_kept(
    out: Path, found: Posterior | Track, say: Say, kept: dict[str, Any], **how: Any
) -> tuple[Forecast, dict[str, Any]]:
    """Forecast from a posterior or the end of a track, and keep both with a report."""
    try:
        say("forecast")
        now = found.at(found.ends[-1]) if isinstance(found, Track) else found
        result = beliefs.forecast(now, **how)
        summary = beliefs.summarise(result)
        say("report")
        beliefs.save_run(
            out, found, forecast=result, summary=summary, **kept,
            report=lambda path, manifest: beliefs.write_report(result, summary, path, manifest),
        )  # fmt: skip
    except BaseException:  # whatever went wrong, the posterior is kept
        with contextlib.suppress(BeliefsError):  # what went wrong first is reported
            beliefs.save_run(out, found, **kept)
            sys.stderr.write(f"the posterior is kept in {out}\n")
        raise
    return result, summary


def _show(result: Any, summary: dict[str, Any], as_json: bool) -> None:
    """Print the headline, and beside it what interventions change where there are any."""
    changes = differences(result, result.without_interventions()) if result.interventions else []
    out = []
    if not as_json and sys.stdout.isatty():
        Console().print(headline(summary))
    elif not as_json:
        out.append(plain(summary))
    if changes:
        summary = {**summary, "differences": changes}
        out.append("\nAgainst no intervention (paired futures):")
    for row in changes:
        target = f"{row['target']} {row['side']}" if row["side"] else row["target"]
        out.append(
            f"  {target:<22} by {row['by']}  {row['p']:.3f} instead of {row['without']:.3f}: "
            f"{row['difference']:+.3f} (mcse {row['mcse']:.3f})"
        )
    opt.show(summary, out, as_json)


def forecast(
    run: opt.Run,
    horizon: opt.Horizon = None,
    seed: opt.AnySeed = None,
    intervene: opt.Intervene = None,
    allow_failed: opt.Failed = False,
    beliefs_only: opt.BeliefsOnly = False,
    as_json: opt.Json = False,
) -> None:
    """Forecast from the posterior of a run; with --intervene, beside no intervention."""
    manifest = read_manifest(run)
    result = beliefs.forecast(
        beliefs.load_run(run), horizon or manifest["horizon"], seed=seed_of(manifest, seed),
        interventions=beliefs.load_interventions(intervene) if intervene else (),
        allow_failed=allow_failed, actions=not beliefs_only,
    )  # fmt: skip
    _show(result, beliefs.summarise(result), as_json)


def report(
    run: opt.Run,
    out: Annotated[Path, typer.Option(help="HTML file to write.", callback=opt.to_write())],
    horizon: opt.Horizon = None,
    seed: opt.AnySeed = None,
    claims: Annotated[
        Path | None,
        typer.Option("--verdicts", help="What `verdicts STUDY --json` printed: adds a page of it."),
    ] = None,
    allow_failed: opt.Failed = False,
) -> None:
    """Write the HTML report of a run anew: its own horizon, seed and interventions by default."""
    from beliefs.reporting.report import read_verdicts  # loads ArviZ and Plotly

    manifest = read_manifest(run)
    judged = [] if claims is None else read_verdicts(claims, manifest)
    posterior = beliefs.load_run(run)
    made = manifest["horizon"] is not None
    result = beliefs.forecast(
        posterior,
        horizon or manifest["horizon"],
        seed=seed_of(manifest, seed),
        interventions=planned(run, manifest),
        allow_failed=allow_failed or made,  # a run that forecast from a failed one was allowed to
        actions=bool(posterior.actions.posterior) or not made,
    )
    beliefs.write_report(result, beliefs.summarise(result), out, manifest, judged)
    sys.stdout.write(f"Report: {out}\n")


def track(
    study: opt.Study,
    out: opt.NewRun,
    theory: opt.Theory = None,
    priors: opt.Priors = None,
    prior: opt.Prior = None,
    as_of: opt.AsOf = None,
    particles: Annotated[int, typer.Option(min=400, help="Particles.")] = PARTICLES,
    seed: opt.Seed = 1,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Follow the posterior through every period; killed, it is simply run again."""
    with opt.progress_bar(quiet) as say, opt.Place(out) as place:
        loaded = beliefs.load_study(study, as_of=as_of)
        chosen = opt.chosen_theory(theory, priors, prior, loaded)
        place.take(loaded.path)
        found = beliefs.track(loaded, chosen, particles=particles, seed=seed, progress=say)
        beliefs.save_run(out, found, **place.taken)
    _tell({"run": str(out), "as_of": str(loaded.as_of)}, found, as_json)
    if not found.report().passed:
        raise SystemExit(3)


def update(
    run: opt.Run,
    out: opt.NewRun,
    data: Annotated[list[Path] | None, typer.Option(help="CSV of new rows; repeat.")] = None,
    to: Annotated[str | None, typer.Option(help="New as-of date, YYYY-MM-DD.")] = None,
    particles: Annotated[
        int, typer.Option(min=400, help="At most, to begin with from a fit or a run.")
    ] = PARTICLES,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Go on from a run with new rows or to a later date; the old run stays as it is."""
    with opt.progress_bar(quiet) as say:
        done = beliefs.update(run, out, data=data, to=to, particles=particles, progress=say)
    _tell(done.as_dict(), done.track, as_json)


def _tell(record: dict[str, Any], found: Any, as_json: bool) -> None:
    """Print what was done, and where each belief stands at the end of a track."""
    convergence = found.report()
    names = ("side", "mean", "lower", "upper")
    beliefs = [dict(zip(names, row, strict=True)) for row in belief_now(found)]
    out = [f"{record['run']}: as of {record['as_of']}, {convergence.ess:.0f} effective particles"]
    if record.get("took_over"):
        out.append(f"began with {len(found.generations[0])} draws of the fit")
    if "rows" in record:
        gained = (counted(record[f"{kind}s"], f"new {kind}") for kind in ("row", "period"))
        out.append(", ".join(gained))
    if record.get("given"):
        of = counted(record["given"], "row")
        out.append(f"--data brought {of}")
        if record["waiting"]:
            out[-1] += f", {record['waiting']} of them not yet published"
        if record["rows"] > record["given"] - record["waiting"]:
            out[-1] += "; the others are the study's own, up to that date"
    if record.get("end"):
        out.append(f"the study's period ends on {record['end']} now")
    if record.get("back_to"):
        day, n = record["back_to"], record["back"]
        out.append(f"inputs of {day} had changed: went back {counted(n, 'period')}, to there")
    line = "belief of {side}: {mean:.1%} (90% interval {lower:.0%}–{upper:.0%})"
    out += [line.format_map(row) for row in beliefs]
    opt.show({**record, "belief": beliefs, "convergence": convergence.as_dict()}, out, as_json)
    if not convergence.passed and not as_json:
        sys.stderr.write(
            f"convergence check FAILED: {'; '.join(convergence.failures)}\n"
            f"  fix:     {convergence.fix}\n"
        )


def reproduce(run: opt.Run, as_json: opt.Json = False, quiet: opt.Quiet = False) -> None:
    """Recompute a run and say how close it comes: to the bit, or within Monte-Carlo error."""
    from beliefs.records.compare_runs import reproduce as recompute  # loads the sampler

    with opt.progress_bar(quiet) as say:
        found = recompute(run, progress=say)
    out = [f"{run}: {found.verdict}"]
    if not found.posterior_identical:
        out.append(
            f"  largest distance {found.distance:.1f} Monte-Carlo standard errors "
            f"({found.worst}); two honest runs stay below {found.limit:.1f}"
        )
        why = found.environment or ("nothing recorded: another processor, perhaps",)
        out += [f"  {line}" for line in why]
    opt.show(found.as_dict(), out, as_json)
    if found.verdict == "different":
        raise SystemExit(3)


def diff(
    one: Annotated[Path, typer.Argument(help="Earlier run folder.")],
    two: Annotated[Path, typer.Argument(help="Later run folder.")],
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Say what moved between two runs: rows, beliefs and by what, probabilities."""
    from beliefs.records.compare_runs import diff_runs  # loads the sampler

    with opt.progress_bar(quiet) as say:
        say("compare")
        found = diff_runs(one, two)
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
        for part in item["parts"][:PARTS]:
            kind = "" if part["kind"] in (part["name"], "reread") else f"{part['kind']} "
            out.append(f"  {part['mean']:+.3f}  {kind}{part['name']}")
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
    if found["no_targets"]:
        out.append(f"no probabilities: {found['no_targets']}")
    opt.show(found, out, as_json)
