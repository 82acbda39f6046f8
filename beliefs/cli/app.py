"""Command line: every command is one call into the API.

Exit codes: 0 done, 1 a bug, 2 bad input, 3 gate failed, 4 nothing to do or a conflict,
130 stopped by a signal.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

import beliefs
from beliefs.cli.interrupt import leave, sound_streams, stoppable, unusable
from beliefs.cli.judge import backtest, compare, verdicts
from beliefs.cli.ledger import ledger
from beliefs.cli.options import (
    STUDY,
    AsOfOpt,
    BeliefsOnlyOpt,
    ChainsOpt,
    CoresOpt,
    DrawsOpt,
    FailedOpt,
    HorizonOpt,
    InterveneOpt,
    JsonOpt,
    OutOpt,
    Place,
    PriorsOpt,
    QuietOpt,
    SeedOpt,
    StudyArg,
    TheoryOpt,
    TuneOpt,
    changed_by,
    fitted,
    planned,
    print_json,
    refuse_occupied,
    show_with_differences,
    stages,
)
from beliefs.cli.runs import diff, forecast, report, reproduce, track, update
from beliefs.cli.trust import calibrate, sensitivity
from beliefs.errors import BeliefsError, counted
from beliefs.inference.nuts.sampling import Sampling

__all__ = ["app", "main"]

app = typer.Typer(
    help="Bayesian belief dynamics: who thinks they are winning, and when that cracks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # rich markup would swallow what stands in brackets
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"beliefs {beliefs.__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def studies(as_json: JsonOpt = False) -> None:
    """List the bundled studies."""
    from beliefs.study.bundled import list_studies

    rows = []
    for name in list_studies():
        spec = beliefs.load_study(name).spec
        rows.append(
            {
                "name": name,
                "title": spec.title,
                "start": str(spec.period.start),
                "end": str(spec.period.end),
                "step": spec.period.step,
                "sides": [side.id for side in spec.sides],
                "indicators": len(spec.indicators),
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        sys.stdout.write(
            f"{row['name']:<16} {row['start']} .. {row['end']}  {row['step']:<5}"
            f" {row['indicators']:>2} indicators  {row['title']}\n"
        )


@app.command("new-study")
def new_study(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Write a commented study folder that passes `check`, to be edited."""
    sys.stdout.write(f"Wrote {beliefs.new_study(folder)}. Edit it, then: beliefs check {folder}\n")


@app.command()
def check(study: StudyArg, as_of: AsOfOpt = None, as_json: JsonOpt = False) -> None:
    """Check a study folder and say what the model would see."""
    from beliefs.features.talks import left_out
    from beliefs.reporting.tables import left_out_words
    from beliefs.study.load import read_study

    source = read_study(study)
    loaded = source.known(as_of)
    inputs, rest = beliefs.build_inputs(loaded), left_out(loaded)
    active = int(inputs.active.sum())
    last = source.last_published(loaded.as_of)
    row: dict[str, Any] = {
        "study": loaded.spec.name,
        "as_of": str(loaded.as_of),
        "last_published": last and str(last),
        "sha256": loaded.sha256,
        "periods": len(inputs.dates),
        "active_periods": active,
        "sides": list(inputs.sides),
        "seen": {k: int(s.sum()) for k, s in zip(inputs.indicators, inputs.seen, strict=True)},
        "readings": {
            side: {
                channel: int((inputs.reading[i, c] == inputs.reading[i, c]).sum())
                for c, channel in enumerate(inputs.channels)
            }
            for i, side in enumerate(inputs.sides)
        },
        "talk_periods": int(inputs.talks.sum()),
        "unobserved_conduct": int((~inputs.quiet_seen[:active]).sum()),
        "events": len(loaded.tables.events),
        "remarks": list(loaded.remarks),
        **({} if rest is None else {"left_out": rest.as_dict()}),
    }
    _check_odds(loaded, inputs)
    if as_json:
        print_json(row)
        return
    seen = ", ".join(f"{k} {v}" for k, v in row["seen"].items())
    heard = "; ".join(
        f"{side}: " + ", ".join(f"{k} {v}" for k, v in by.items())
        for side, by in row["readings"].items()
    )
    sys.stdout.write(
        f"{row['study']} is in order, as of {row['as_of']}.\n"
        f"  published   {'nothing by then' if last is None else f'last on {last}'}\n"
        f"  periods     {active} of {row['periods']}\n"
        f"  surprises   {seen}\n"
        f"  readings    {heard}\n"
        f"  talks       {counted(row['talk_periods'], 'period')}\n"
        f"  unobserved  {counted(row['unobserved_conduct'], 'period')} in which nobody recorded "
        f"conduct, and {row['periods'] - active} after the as-of date\n"
        + "".join(f"  note        {line}\n" for line in loaded.remarks)
        + ("" if rest is None else f"  left out    {left_out_words(rest.as_dict())}\n")
    )


def _check_odds(study: Any, inputs: Any) -> None:
    """Refuse odds that a backtest could not use, where the study has any."""
    from beliefs.study.tables.odds import read_odds

    odds = read_odds(study)
    if odds.target:
        from beliefs.evaluation.backtest.questions import questions
        from beliefs.evaluation.scores.scorecard import check_odds

        check_odds(odds, questions(study, inputs))


@app.command()
def theories(
    show: Annotated[str | None, typer.Option("--show", help="List a theory's priors.")] = None,
    study: Annotated[str, typer.Option("--study", help="Study whose dimensions to list.")] = STUDY,
    priors: PriorsOpt = None,
    as_json: JsonOpt = False,
) -> None:
    """List the theories, or the priors of one with unit, source and neutral value."""
    from beliefs.model.theory import bundled_theories, prior_table

    if show is None:
        rows = sorted(
            (beliefs.load_theory(name) for name in bundled_theories()), key=lambda t: t.id
        )
        if as_json:
            print_json([{"id": t.id, "name": t.name, "source": t.source} for t in rows])
            return
        for t in rows:
            sys.stdout.write(f"{t.id}  {t.name:<20} {t.source}\n")
        return
    from beliefs.model.structure import structure_of

    theory = beliefs.load_theory(show, priors)
    table = prior_table(theory, structure_of(beliefs.build_inputs(beliefs.load_study(study))))
    if as_json:
        print_json(table)
        return
    sys.stdout.write(f"{theory.id} {theory.name}: {theory.source}\n")
    for row in table:
        state = row["prior"] if row["free"] else "off, held at its neutral value"
        sys.stdout.write(
            f"\n{row['name']} [{' x '.join(row['dims']) or 'scalar'}] ({row['mechanism']})\n"
            f"  prior    {state}\n  neutral  {row['neutral']}\n  unit     {row['unit']}\n"
            f"  meaning  {row['meaning']}\n  source   {row['source']}\n"
        )


@app.command()
def fit(
    study: StudyArg,
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; must be new.")],
    theory: TheoryOpt = "mutual_optimism",
    priors: PriorsOpt = None,
    as_of: AsOfOpt = None,
    seed: SeedOpt = 1,
    draws: DrawsOpt = Sampling.draws,
    tune: TuneOpt = Sampling.tune,
    chains: ChainsOpt = Sampling.chains,
    cores: CoresOpt = Sampling.cores,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Sample the posterior of a study under a theory and keep it in a run folder."""
    refuse_occupied(out)
    settings = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    with stages(quiet) as say, Place(out) as place:
        posterior = fitted(study, theory, priors, as_of, seed, settings, say, place.take)
        say("write")
        beliefs.save_run(out, posterior, settings=settings, **place.taken)
    gate = posterior.report.as_dict()
    if as_json:
        print_json({"run": str(out), "gate": gate, "timings_seconds": posterior.timings})
    else:
        verdict = "passed" if gate["passed"] else "FAILED: " + "; ".join(gate["failures"])
        sys.stdout.write(f"{out}: gate {verdict} (R-hat {gate['r_hat']}, ESS {gate['ess']})\n")
    if not gate["passed"]:
        sys.stderr.write(f"  mend:     {posterior.report.mend}\n")
        raise SystemExit(3)


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="Bundled study or folder.")] = STUDY,
    out: OutOpt = None,
    theory: TheoryOpt = "mutual_optimism",
    priors: PriorsOpt = None,
    as_of: AsOfOpt = None,
    seed: SeedOpt = 1,
    horizon: HorizonOpt = None,
    intervene: InterveneOpt = None,
    draws: DrawsOpt = Sampling.draws,
    tune: TuneOpt = Sampling.tune,
    chains: ChainsOpt = Sampling.chains,
    cores: CoresOpt = Sampling.cores,
    beliefs_only: BeliefsOnlyOpt = False,
    allow_failed: FailedOpt = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Check, fit, gate, forecast and report: the main job; with --intervene, beside none."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    out = out or Path("runs") / f"{Path(study).absolute().name}-{stamp}"
    refuse_occupied(out)
    interventions = planned(intervene)

    def plan(loaded: Any) -> None:  # a slip of the pen must not cost a minute of sampling
        from beliefs.simulation.paths import check_plan

        check_plan(loaded, horizon, interventions)
        place.take(loaded)

    settings = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    with stages(quiet) as say, Place(out) as place:
        posterior = fitted(study, theory, priors, as_of, seed, settings, say, plan)

        whole = False
        try:
            say("forecast")
            told = beliefs.forecast(
                posterior,
                horizon,
                seed=seed,
                interventions=interventions,
                allow_failed=allow_failed,
                actions=not beliefs_only,
            )
            summary, changes = beliefs.summarise(told), changed_by(told)
            say("report")
            beliefs.save_run(
                out,
                posterior,
                forecast=told,
                summary=summary,
                settings=settings,
                report=lambda path, manifest: beliefs.write_report(told, summary, path, manifest),
                **place.taken,
            )
            whole = True
        finally:
            if not whole:  # whatever went wrong, the posterior is kept
                with contextlib.suppress(BeliefsError):  # what went wrong first is reported
                    beliefs.save_run(out, posterior, settings=settings, **place.taken)
                    sys.stderr.write(f"the posterior is kept in {out}\n")
    show_with_differences(summary, changes, as_json)
    if not as_json:
        sys.stdout.write(f"\nReport: {out / 'report.html'}\n")


app.add_typer(ledger, name="ledger")
for _command in (forecast, report, track, update, reproduce, diff, compare, verdicts, backtest):
    app.command()(_command)
app.command()(calibrate)
app.command()(sensitivity)


@stoppable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        done = app(args=None if arguments is None else list(arguments), standalone_mode=False)
    except BeliefsError as error:
        sys.stderr.write(f"error: {error.render()}\n")
        return error.exit_code
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except OSError as error:
        problem = unusable(error)
        sys.stderr.write(f"error: {problem.render()}\n")
        return problem.exit_code
    except TyperException as error:  # an unknown option, a value out of range
        message = error.format_message().strip()
        if message:  # without one nothing was asked, and the help is printed already
            sys.stderr.write(f"error: {message}\n  mend:     see `beliefs --help`\n")
        return 2
    return done if isinstance(done, int) else 0


def entry() -> None:
    """Run as a program."""
    sound_streams()
    gc.set_threshold(100_000, 50, 50)  # looking for garbage among what imports make takes a tenth
    leave(main())


if __name__ == "__main__":
    entry()
