"""Command line: every command is one call into the API.

Exit codes: 0 done, 1 a bug, 2 bad input, 3 gate failed, 4 nothing to do or a conflict.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from beliefs.errors import BeliefsError, StudyError

__all__ = ["app", "main"]

app = typer.Typer(
    help="Bayesian belief dynamics: who thinks they are winning, and when that cracks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudyArg = Annotated[str, typer.Argument(help="Name of a bundled study, or path of a folder.")]
TheoryOpt = Annotated[str, typer.Option("--theory", help="Theory name, id or TOML file.")]
PriorsOpt = Annotated[
    Path | None, typer.Option("--priors", help="TOML file whose [priors.NAME] tables win.")
]
AsOfOpt = Annotated[
    str | None, typer.Option("--as-of", help="Drop every row published after YYYY-MM-DD.")
]
SeedOpt = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
OutOpt = Annotated[Path | None, typer.Option("--out", help="Run folder to write; must be new.")]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
QuietOpt = Annotated[bool, typer.Option("--quiet", help="No progress.")]
DrawsOpt = Annotated[int, typer.Option("--draws", min=50, help="Draws per chain.")]
TuneOpt = Annotated[int, typer.Option("--tune", min=50, help="Tuning steps per chain.")]
ChainsOpt = Annotated[int, typer.Option("--chains", min=2, help="Chains.")]
CoresOpt = Annotated[int, typer.Option("--cores", min=1, help="Cores; changes no number.")]
HorizonOpt = Annotated[
    int | None, typer.Option("--horizon", min=1, help="Periods ahead [90 days or 26 weeks].")
]
FailedOpt = Annotated[
    bool, typer.Option("--allow-failed", help="Forecast from a failed gate, and say so.")
]
InterveneOpt = Annotated[
    Path | None,
    typer.Option("--intervene", help="TOML file of [[intervention]] tables; prints differences."),
]


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


@contextlib.contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that names the stage; a spinner with a clock, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: list[Any] = []

        def say(stage: str) -> None:
            if tasks:
                bar.update(tasks[-1], total=1, completed=1)
                bar.stop_task(tasks[-1])
            tasks.append(bar.add_task(stage, total=None))

        yield say
        if tasks:
            bar.update(tasks[-1], total=1, completed=1)


def _horizon(posterior: Any, horizon: int | None) -> int:
    return horizon or {1: 90, 7: 26}[posterior.inputs.step_days]


def _show(summary: dict[str, Any], as_json: bool) -> None:
    from beliefs.view.tables import headline, plain

    if as_json:
        _print_json(summary)
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(headline(summary))
    else:
        sys.stdout.write(plain(summary) + "\n")


@app.command()
def studies(as_json: JsonOpt = False) -> None:
    """List the bundled studies."""
    from beliefs.study.bundled import list_studies
    from beliefs.study.load import load_study

    rows = []
    for name in list_studies():
        spec = load_study(name).spec
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
        _print_json(rows)
        return
    for row in rows:
        sys.stdout.write(
            f"{row['name']:<16} {row['start']} .. {row['end']}  {row['step']:<5}"
            f" {row['indicators']:>2} indicators  {row['title']}\n"
        )


@app.command("new-study")
def new_study(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Write a commented study folder that passes `check`, to be edited."""
    from beliefs.study.template import new_study as write

    path = write(folder)
    sys.stdout.write(f"Wrote {path}. Edit it, then: beliefs check {path}\n")


@app.command()
def check(study: StudyArg, as_of: AsOfOpt = None, as_json: JsonOpt = False) -> None:
    """Check a study folder and say what the model would see."""
    from beliefs.study.inputs import build_inputs
    from beliefs.study.load import load_study

    loaded = load_study(study, as_of=as_of)
    inputs = build_inputs(loaded)
    active = int(inputs.active.sum())
    row: dict[str, Any] = {
        "study": loaded.spec.name,
        "as_of": str(loaded.as_of),
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
        "events": len(loaded.events),
    }
    if as_json:
        _print_json(row)
        return
    seen = ", ".join(f"{k} {v}" for k, v in row["seen"].items())
    heard = "; ".join(
        f"{side}: " + ", ".join(f"{k} {v}" for k, v in by.items())
        for side, by in row["readings"].items()
    )
    sys.stdout.write(
        f"{row['study']} is in order, as of {row['as_of']}.\n"
        f"  periods     {active} of {row['periods']}\n"
        f"  surprises   {seen}\n"
        f"  readings    {heard}\n"
        f"  talks       {row['talk_periods']} periods\n"
        f"  unobserved  {row['unobserved_conduct']} periods in which nobody recorded conduct\n"
    )


@app.command()
def theories(
    show: Annotated[str | None, typer.Option("--show", help="List a theory's priors.")] = None,
    study: Annotated[
        str, typer.Option("--study", help="Study whose dimensions to list.")
    ] = "us-iran-2026",
    priors: PriorsOpt = None,
    as_json: JsonOpt = False,
) -> None:
    """List the theories, or the priors of one with unit, source and neutral value."""
    from beliefs.theory.theory import bundled_theories, load_theory, prior_table

    if show is None:
        rows = [load_theory(name) for name in bundled_theories()]
        if as_json:
            _print_json([{"id": t.id, "name": t.name, "source": t.source} for t in rows])
            return
        for t in rows:
            sys.stdout.write(f"{t.id}  {t.name:<18} {t.source}\n")
        return
    from beliefs.mechanism.structure import structure_of
    from beliefs.study.inputs import build_inputs
    from beliefs.study.load import load_study

    theory = load_theory(show, priors)
    table = prior_table(theory, structure_of(build_inputs(load_study(study))))
    if as_json:
        _print_json(table)
        return
    sys.stdout.write(f"{theory.id} {theory.name}: {theory.source}\n")
    for row in table:
        state = row["prior"] if row["free"] else "off, held at its neutral value"
        sys.stdout.write(
            f"\n{row['name']} [{' x '.join(row['dims']) or 'scalar'}] ({row['mechanism']})\n"
            f"  prior    {state}\n  neutral  {row['neutral']}\n  unit     {row['unit']}\n"
            f"  meaning  {row['meaning']}\n  source   {row['source']}\n"
        )


def _fitted(
    study: str,
    theory: str,
    priors: Path | None,
    as_of: str | None,
    seed: int,
    settings: dict[str, int],
    say: Callable[[str], None],
) -> Any:
    say("check")
    from beliefs.study.load import load_study

    loaded = load_study(study, as_of=as_of)
    from beliefs.theory.theory import load_theory

    chosen = load_theory(theory, priors)
    from beliefs.infer.fit import Sampling, fit

    return fit(loaded, chosen, seed=seed, sampling=Sampling(**settings), progress=say)


def _free(out: Path | None) -> None:
    """Refuse an occupied run folder before a minute is spent on computing."""
    from beliefs.record.run import refuse_existing

    if out is not None:
        refuse_existing(out)


@app.command()
def fit(
    study: StudyArg,
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; must be new.")],
    theory: TheoryOpt = "mutual_optimism",
    priors: PriorsOpt = None,
    as_of: AsOfOpt = None,
    seed: SeedOpt = 1,
    draws: DrawsOpt = 1000,
    tune: TuneOpt = 800,
    chains: ChainsOpt = 4,
    cores: CoresOpt = 2,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Sample the posterior of a study under a theory and keep it in a run folder."""
    from beliefs.record.run import save_run

    _free(out)
    settings = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    with _progress(quiet) as say:
        posterior = _fitted(study, theory, priors, as_of, seed, settings, say)
        say("write")
        save_run(out, posterior, settings=settings)
    gate = posterior.report.as_dict()
    if as_json:
        _print_json({"run": str(out), "gate": gate, "timings_seconds": posterior.timings})
    else:
        verdict = "passed" if gate["passed"] else "FAILED: " + "; ".join(gate["failures"])
        sys.stdout.write(f"{out}: gate {verdict} (R-hat {gate['r_hat']}, ESS {gate['ess']})\n")
    if not gate["passed"]:
        raise SystemExit(3)


def _told(posterior: Any, horizon: int | None, seed: int, intervene: Path | None, ok: bool) -> Any:
    from beliefs.forecast.forecast import forecast as simulate
    from beliefs.forecast.interventions import load_interventions

    planned = load_interventions(intervene) if intervene else ()
    return simulate(
        posterior, _horizon(posterior, horizon), seed=seed, interventions=planned, allow_failed=ok
    )


@app.command()
def forecast(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    horizon: HorizonOpt = None,
    seed: SeedOpt = 1,
    intervene: InterveneOpt = None,
    allow_failed: FailedOpt = False,
    as_json: JsonOpt = False,
) -> None:
    """Forecast from the posterior of a run; with --intervene, beside no intervention."""
    from beliefs.forecast.compare import differences
    from beliefs.forecast.summary import summarise
    from beliefs.record.run import load_run

    posterior = load_run(run)
    told = _told(posterior, horizon, seed, intervene, allow_failed)
    summary = summarise(told)
    if intervene is None:
        _show(summary, as_json)
        return
    plain_run = _told(posterior, horizon, seed, None, allow_failed)
    changes = differences(told, plain_run)
    if as_json:
        _print_json({**summary, "differences": changes})
        return
    _show(summary, False)
    sys.stdout.write("\nAgainst no intervention (paired futures):\n")
    for row in changes:
        side = f" {row['side']}" if row["side"] else ""
        sys.stdout.write(
            f"  {row['target'] + side:<22} by {row['by']}  {row['p']:.3f} instead of "
            f"{row['without']:.3f}: {row['difference']:+.3f} (mcse {row['mcse']:.3f})\n"
        )


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="Bundled study or folder.")] = "us-iran-2026",
    out: OutOpt = None,
    theory: TheoryOpt = "mutual_optimism",
    priors: PriorsOpt = None,
    as_of: AsOfOpt = None,
    seed: SeedOpt = 1,
    horizon: HorizonOpt = None,
    intervene: InterveneOpt = None,
    draws: DrawsOpt = 1000,
    tune: TuneOpt = 800,
    chains: ChainsOpt = 4,
    cores: CoresOpt = 2,
    allow_failed: FailedOpt = False,
    as_json: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Check, fit, gate, forecast and report: the main job."""
    from beliefs.record.run import save_run

    out = (
        out or Path("runs") / f"{Path(study).name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    )
    _free(out)
    settings = {"draws": draws, "tune": tune, "chains": chains, "cores": cores}
    with _progress(quiet) as say:
        posterior = _fitted(study, theory, priors, as_of, seed, settings, say)
        if not posterior.report.passed and not allow_failed:
            save_run(out, posterior, settings=settings)  # a minute of sampling is not thrown away
            sys.stderr.write(f"the posterior is kept in {out}\n")
        say("forecast")
        from beliefs.forecast.summary import summarise
        from beliefs.view.report import write_report

        told = _told(posterior, horizon, seed, intervene, allow_failed)
        summary = summarise(told)
        say("report")
        save_run(
            out,
            posterior,
            forecast=told,
            summary=summary,
            settings=settings,
            report=lambda path, manifest: write_report(told, summary, path, manifest),
        )
    _show(summary, as_json)
    if not as_json:
        sys.stdout.write(f"\nReport: {out / 'report.html'}\n")


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    horizon: HorizonOpt = None,
    seed: SeedOpt = 1,
    allow_failed: FailedOpt = False,
) -> None:
    """Write the HTML report of a run anew."""
    from beliefs.forecast.summary import summarise
    from beliefs.record.run import load_run, read_manifest
    from beliefs.view.report import write_report

    told = _told(load_run(run), horizon, seed, None, allow_failed)
    write_report(told, summarise(told), out, read_manifest(run))
    sys.stdout.write(f"Report: {out}\n")


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
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing was written\n")
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        problem = StudyError(
            "a file could not be read or written",
            where=str(error.filename or ""),
            found=str(error.strerror or error),
            expected="a place this user may use, with room",
            mend="check the path and its rights",
        )
        sys.stderr.write(f"error: {problem.render()}\n")
        return problem.exit_code
    except Exception as error:
        if _is_usage(error):
            error.show()  # type: ignore[attr-defined]
            return 2
        raise
    return done if isinstance(done, int) else 0


def _is_usage(error: Exception) -> bool:
    """Return whether the exception is the command-line parser's own."""
    return hasattr(error, "show") and hasattr(error, "exit_code")


def entry() -> None:
    """Run as a program."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
