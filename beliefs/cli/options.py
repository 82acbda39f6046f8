"""Options that several commands share, and how they print."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

import beliefs
from beliefs.inference.nuts.sampling import MAX_SEED
from beliefs.study.writefile import refuse_file

STUDY = "us-iran-2026"
"""The study of commands that are given none."""
StudyArg = Annotated[str, typer.Argument(help="Name of a bundled study, or path of a folder.")]
TheoryOpt = Annotated[str, typer.Option("--theory", help="Theory name, id or TOML file.")]
PriorsOpt = Annotated[
    Path | None, typer.Option("--priors", help="TOML file whose [priors.NAME] tables win.")
]
AsOfOpt = Annotated[
    str | None,
    typer.Option(
        "--as-of", help="Drop every row published after YYYY-MM-DD [the last day on which one was]."
    ),
]
SeedOpt = Annotated[
    int, typer.Option("--seed", min=0, max=MAX_SEED, help="Seed of everything random.")
]
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
BeliefsOnlyOpt = Annotated[
    bool,
    typer.Option("--beliefs-only", help="Beliefs and talks alone, without acts, truces and deals."),
]
InterveneOpt = Annotated[
    Path | None,
    typer.Option("--intervene", help="TOML file of [[intervention]] tables; prints differences."),
]


def to_write(*, new: bool = False, image: bool = False) -> Callable[[Path | None], Path | None]:
    """Return what refuses a file that could not be written as soon as its option is read.

    Parameters
    ----------
    new
        Whether it must not exist yet.
    image
        Whether its name must end in the suffix of an image format.
    """

    def check(path: Path | None) -> Path | None:
        if path is not None:
            suffixes: tuple[str, ...] = ()
            if image:
                from beliefs.reporting.axes import figure_suffixes

                suffixes = figure_suffixes()
            refuse_file(path, new=new, suffixes=suffixes)
        return path

    return check


def print_json(data: Any) -> None:
    """Print JSON for scripts."""
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


EVERY_SECONDS = 10.0  # between lines about progress, where there is no terminal


class Stages:
    """Names the stage a command is at, and how much of it is done.

    Parameters
    ----------
    bar
        A progress bar; none writes a line on stderr now and then.
    quiet
        Whether nothing is written.
    """

    def __init__(self, bar: Any = None, *, quiet: bool = False) -> None:
        self._bar, self._task, self._quiet = bar, None, quiet
        self._stage, self._last = "", time.monotonic()

    def __call__(self, stage: str) -> None:
        """Begin a stage."""
        self._stage = stage
        if self._bar is None:
            self._line(stage)
        else:
            self.end()
            self._task = self._bar.add_task(stage, total=None)

    def share_done(self, share: float) -> None:
        """Move the bar of the stage; shares go from 0 to 1."""
        if self._bar is None:
            self._line(f"{self._stage} {share:.0%}")
        elif self._task is not None:
            self._bar.update(self._task, total=1.0, completed=share)

    def _line(self, text: str) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._last >= EVERY_SECONDS:
            self._last = now
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def end(self) -> None:
        """End the stage."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, total=1.0, completed=1.0)
            self._bar.stop_task(self._task)


@contextlib.contextmanager
def stages(quiet: bool) -> Iterator[Stages]:
    """Yield what names the stages: a progress bar with a clock on a terminal, else few lines."""
    if quiet or not sys.stderr.isatty():
        yield Stages(quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<12}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        say = Stages(bar)
        yield say
        say.end()


@contextlib.contextmanager
def remaining(quiet: bool, what: str) -> Iterator[Callable[[int, int, float | None], None] | None]:
    """Yield what tells how many of all are done and the time left, on stderr.

    A bar on a terminal; elsewhere a line for every twentieth that is done.
    """
    if quiet:
        yield None
        return
    told = 0.0

    def say(done: int, of: int, seconds: float | None) -> None:
        nonlocal told
        share, live = done / of, sys.stderr.isatty()
        if not live and share < told + 0.05 and done < of:
            return
        told = share
        left = "" if seconds is None else f", {seconds / 60.0:.1f} min left"
        end = "\n" if not live or done == of else "   \r"
        bar = f"[{'#' * int(30 * share):<30}] " if live else ""
        sys.stderr.write(f"{bar}{done} of {of} {what}{left}{end}")
        sys.stderr.flush()

    yield say


def show(summary: dict[str, Any], as_json: bool) -> None:
    """Print the headline, for a person or a script."""
    from beliefs.reporting.tables import headline, plain

    if as_json:
        print_json(summary)
    elif sys.stdout.isatty():
        from rich.console import Console

        Console().print(headline(summary))
    else:
        sys.stdout.write(plain(summary) + "\n")


def fitted(
    study: str,
    theory: str,
    priors: Path | None,
    as_of: str | None,
    seed: int,
    settings: dict[str, int],
    say: Stages,
    plan: Callable[[Any], None] | None = None,
) -> Any:
    """Return the posterior that a command asks for; `plan` may refuse the study before sampling."""
    say("check")

    loaded = beliefs.load_study(study, as_of=as_of)

    chosen = beliefs.load_theory(theory, priors)
    if plan is not None:
        plan(loaded)
    from beliefs.inference.nuts.sampling import Sampling

    return beliefs.fit(
        loaded,
        chosen,
        seed=seed,
        sampling=Sampling(**settings),
        progress=say,
        share_done=say.share_done,
    )


def refuse_occupied(out: Path | None) -> None:
    """Refuse an occupied run folder before a minute is spent on computing."""
    from beliefs.records.place import refuse_existing

    if out is not None:
        refuse_existing(out)


class Place:
    """A run folder to be, kept from other processes once the study is known to be sound.

    Parameters
    ----------
    out
        The run folder.

    Attributes
    ----------
    taken
        What `beliefs.records.run.save_run` is told of it.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.taken, self._held = out, dict[str, Any](), contextlib.ExitStack()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: Any) -> None:
        self._held.close()

    def take(self, loaded: Any) -> None:
        """Refuse a place inside the study, or one that another process is writing."""
        from beliefs.records.place import refuse_inside, reserved

        refuse_inside(self.out, loaded.path)
        self.taken["aside"] = self._held.enter_context(reserved(self.out))


def planned(intervene: Path | None) -> tuple[Any, ...]:
    """Return the interventions of a file, none without one."""
    return beliefs.load_interventions(intervene) if intervene else ()


def changed_by(told: Any) -> list[dict[str, Any]]:
    """Return what the interventions of a forecast change; nothing where it has none."""
    if not told.interventions:
        return []
    from beliefs.forecasting.summary import differences

    return differences(told, told.without_interventions())


def show_with_differences(
    summary: dict[str, Any], changes: list[dict[str, Any]], as_json: bool
) -> None:
    """Print the headline, and beside it what interventions change where there are any."""
    show({**summary, "differences": changes} if as_json and changes else summary, as_json)
    if as_json or not changes:
        return
    sys.stdout.write("\nAgainst no intervention (paired futures):\n")
    for row in changes:
        side = f" {row['side']}" if row["side"] else ""
        sys.stdout.write(
            f"  {row['target'] + side:<22} by {row['by']}  {row['p']:.3f} instead of "
            f"{row['without']:.3f}: {row['difference']:+.3f} (mcse {row['mcse']:.3f})\n"
        )
