"""Options that several commands share, and how they print."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from beliefs.inference.nuts.sampling import MAX_SEED
from beliefs.model.theory import POPULATION, informed, load_theory
from beliefs.records.files import FORMAT, refuse_existing, refuse_inside, reserved
from beliefs.study.writefile import refuse_file

if TYPE_CHECKING:
    import pandas as pd

    from beliefs.model.theory import Theory as Loaded
    from beliefs.study.load import Study as Known

# Of commands that are given none.
STUDY = "us-iran-2026"
Study = Annotated[
    str, typer.Argument(help="Name of a bundled study, path of a folder, or PANEL/CONFLICT.")
]
Theory = Annotated[
    str | None, typer.Option(help="Name, id or TOML file [the study's, or mutual_optimism].")
]
Priors = Annotated[Path | None, typer.Option(help="TOML file whose [priors.NAME] tables win.")]
Source = Literal["theory", "population"]
Prior = Annotated[
    Source | None,
    typer.Option(help="Theory's own, or informed by past conflicts [population, if it has one]."),
]
Beside = Annotated[Source, typer.Option(help="population: informed theories beside the others.")]
AsOf = Annotated[
    str | None,
    typer.Option(help="Drop every row published after YYYY-MM-DD [the last day on which one was]."),
]
Seed = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of everything random.")]
AnySeed = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, help="Seed of the futures [the run's own, or 1].")
]
Run = Annotated[Path, typer.Argument(help="Run folder.")]
_RUN_TO_WRITE = typer.Option(help="Run folder to write; must be new.")
NewRun = Annotated[Path, _RUN_TO_WRITE]
AnyRun = Annotated[Path | None, _RUN_TO_WRITE]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
Particles = Annotated[
    int | None, typer.Option(min=100, help="Particles of each block [1000, or by the study].")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]
Draws = Annotated[int, typer.Option(min=50, help="Draws per chain.")]
Tune = Annotated[int, typer.Option(min=50, help="Tuning steps per chain.")]
Chains = Annotated[int, typer.Option(min=2, help="Chains.")]
Cores = Annotated[int, typer.Option(min=1, help="Cores; changes no number.")]
Processes = Annotated[
    int | None, typer.Option("--cores", min=1, help="Processes; changes no number.")
]
Scheduler = Annotated[str | None, typer.Option(help="Dask scheduler, tcp://HOST:PORT.")]
Horizon = Annotated[int | None, typer.Option(min=1, help="Periods ahead [90 days or half a year].")]
Failed = Annotated[
    bool,
    typer.Option("--allow-failed", help="Forecast from a failed convergence check, and say so."),
]
BeliefsOnly = Annotated[
    bool, typer.Option("--beliefs-only", help="Beliefs and talks alone: no actions, truces, deals.")
]
Intervene = Annotated[
    Path | None, typer.Option(help="TOML file of [[intervention]] tables; prints differences.")
]


def to_write(what: str = "any") -> Callable[[Path | None], Path | None]:
    """Return what refuses, as its option is read, "any" file, a "new" one or a new "image"."""

    def check(path: Path | None) -> Path | None:
        if path is not None:
            suffixes: tuple[str, ...] = ()
            if what == "image":
                from beliefs.reporting.axes import figure_suffixes  # loads Matplotlib

                suffixes = figure_suffixes()
            refuse_file(path, new=what != "any", suffixes=suffixes)
        return path

    return check


def as_text(data: Any) -> str:
    """Return JSON for scripts; a table says its format."""
    data = {"format": FORMAT, **data} if isinstance(data, dict) else data
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def show(data: Any, lines: Iterable[str], as_json: bool, table: pd.DataFrame | None = None) -> None:
    """Print data as JSON for scripts, their table, if there is one, as CSV, or lines for people."""
    if table is not None:
        sys.stdout.write(table.to_csv(index=False, lineterminator="\n"))
    else:
        sys.stdout.write(as_text(data) if as_json else "".join(f"{line}\n" for line in lines))


EVERY_SECONDS = 10.0  # between lines about progress, where there is no terminal


class Stages:
    """Names the stage of a command on a progress bar; without one on stderr, now and then."""

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
        else:
            self._bar.update(self._task, total=1.0, completed=share)

    def _line(self, text: str) -> None:
        now = time.monotonic()
        if not self._quiet and now - self._last >= EVERY_SECONDS:
            self._last = now
            sys.stderr.write(text + "\n")

    def end(self) -> None:
        """End the stage."""
        if self._task is not None:
            self.share_done(1.0)
            self._bar.stop_task(self._task)


@contextlib.contextmanager
def progress_bar(quiet: bool = False) -> Iterator[Stages]:
    """Yield what names stages: a bar with a clock on a terminal or in a notebook, else few lines.

    Examples
    --------
    >>> with beliefs.progress_bar(quiet=True) as say:
    ...     beliefs.track(study, "simple", seed=1, particles=100, progress=say).n_time
    26
    """
    console = Console(stderr=True)
    if quiet or not (sys.stderr.isatty() or console.is_jupyter):
        yield Stages(quiet=quiet)
        return
    clocks = TimeElapsedColumn(), TimeRemainingColumn()
    columns = TextColumn("{task.description:<12}"), BarColumn(), *clocks
    with Progress(*columns, console=console) as bar:
        say = Stages(bar)
        yield say
        say.end()


class Place(contextlib.ExitStack):
    """A run folder to be; `taken`, once the study is known to be sound, is what `save_run` gets."""

    def __init__(self, out: Path | None) -> None:
        super().__init__()
        if out is not None:
            refuse_existing(out)
        self.out, self.taken = out, dict[str, Any]()

    def take(self, study: Path) -> None:
        """Refuse a place inside the study folder, or one that another process is writing."""
        if self.out is not None:
            refuse_inside(self.out, study)
            self.taken["aside"] = self.enter_context(reserved(self.out))


def chosen_theory(
    name: str | None, priors: Path | None, prior: Source | None, study: Known
) -> Loaded:
    """Return a theory, that of the study when None, with the priors of a source; a file's win."""
    theory = load_theory(name or study.spec.theory or "mutual_optimism", priors)
    if prior == "theory":
        return theory
    return informed(theory, study, required=prior == "population")


def chosen_theories(names: Iterable[str], prior: Source, study: Known) -> list[Loaded]:
    """Return theories, and after them, as theories of their own, those that are informed."""
    found = [load_theory(name) for name in names]
    if prior == "population":
        every = [informed(theory, study, required=False) for theory in found]
        found += [
            replace(theory, id=f"{theory.id}{POPULATION}", name=f"{theory.name}_population")
            for theory in every
            if theory.informed
        ]
    return found
