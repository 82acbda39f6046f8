"""Command line: every command is one call into the API; its module loads when it is called.

An interrupt, or a signal to terminate, ends what is running, wherever it strikes.
Exit codes: 0 done, 1 a bug, 2 bad input, 3 not converged, 4 nothing to do or a conflict,
130 stopped by a signal.
"""

from __future__ import annotations

import _thread
import ast
import contextlib
import errno
import gc
import io
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

import beliefs
from beliefs.errors import BeliefsError, StudyError

STOPPED = 130
_AGAIN = 0.05  # seconds until a lost interrupt is sent again
_ERRORS = 2  # the number of standard error, where a message that finds no room is dropped
_SAME = 1.0  # seconds in which another signal means the same: `timeout` sends two
_USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}
_MODULES = {
    "studies": ("studies", "panels", "new-study", "check", "prior", "theories"),
    "runs": ("fit", "run", "forecast", "report", "track", "update", "reproduce", "diff"),
    "judge": ("compare", "verdicts", "backtest", "calibrate", "sensitivity"),
    "panel": ("panel",),
    "batch": ("batch",),
    "ledger": ("ledger", "watch"),
}
"""Names of the commands that each module holds, as functions or as a group."""
MANY = {"backtest", "batch", "calibrate", "compare", "panel", "verdicts"}  # processes, perhaps


class _Commands(TyperGroup):
    """Commands known by name; their modules load on use, since most need heavy libraries."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.commands = {name: TyperCommand(name) for n in _MODULES.values() for name in n}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command and its arguments; only here a module is imported."""
        name, _, rest = super().resolve_command(ctx, args)
        (module,) = (module for module, names in _MODULES.items() if name in names)
        found = getattr(import_module(f"beliefs.cli.{module}"), str(name).replace("-", "_"))
        if isinstance(found, typer.Typer):
            return name, typer.main.get_group(found), rest
        one = typer.Typer(rich_markup_mode="markdown", add_completion=False)
        one.command(name)(found)
        return name, typer.main.get_command(one), rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; what each command does is read from the source of its module."""
        for module, names in _MODULES.items():
            tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
            functions = (item for item in tree.body if isinstance(item, ast.FunctionDef))
            said = {item.name: ast.get_docstring(item) for item in functions}
            for name in names:
                self.commands[name].help = said.get(name.replace("-", "_"), ast.get_docstring(tree))
        super().format_help(ctx, formatter)


app = typer.Typer(
    cls=_Commands,
    help="Bayesian belief dynamics: who thinks they are winning, and when that cracks.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # rich markup would swallow what stands in brackets
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"beliefs {beliefs.__version__}\n")
        raise typer.Exit


_VERSION = typer.Option(
    "--version", callback=_version, is_eager=True, help="Print the version and exit."
)


@app.callback()
def _options(version: Annotated[bool, _VERSION] = False) -> None:
    pass


@contextlib.contextmanager
def no_lost_interrupt() -> Iterator[None]:
    """Let no library lose an interrupt while the block runs, nor a signal to terminate.

    Python raises KeyboardInterrupt in whatever Python code runs next. Where compiled code called
    that, it may print and drop the interrupt, as Numba's compiler does: then it is sent again. Or
    it may make an error of its own of it, as code in Rust does: then that error is the interrupt.
    """
    struck = -math.inf
    came: list[int] = []
    timers: list[threading.Timer] = []
    lost_before = sys.unraisablehook

    def stop(number: int, _: Any) -> None:
        nonlocal struck
        if time.monotonic() - struck > _SAME:
            struck = time.monotonic()
            came.append(number)
            raise KeyboardInterrupt

    def again(lost: sys.UnraisableHookArgs) -> None:
        nonlocal struck
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            lost_before(lost)
            return
        struck = -math.inf
        # Raised here it would be lost too.
        timers.append(threading.Timer(_AGAIN, _thread.interrupt_main, came[-1:]))
        timers[-1].start()

    # Whoever ignores a signal, or handles it, goes on doing so; other threads get none.
    here = threading.current_thread() is threading.main_thread()
    taken = [n for n, usual in _USUAL.items() if here and signal.getsignal(n) == usual]
    for number in taken:
        signal.signal(number, stop)
    sys.unraisablehook = again
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = lost_before
        for number in taken:
            signal.signal(number, _USUAL[number])
        if came:  # whatever a library made of it
            raise KeyboardInterrupt


class _Output(io.FileIO):
    """An output whose reader may go away: what comes after that is dropped, the work goes on.

    A buffer before it would write twice what an interrupt strikes while it is written.
    """

    def write(self, data: Any) -> int:
        rest = memoryview(data)
        try:
            while rest:
                count = super().write(rest)
                if count is None:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                rest = rest[count:]
        except OSError as error:
            if not isinstance(error, BrokenPipeError) and self.fileno() != _ERRORS:
                raise OSError(error.errno, error.strerror, "standard output") from error
        return memoryview(data).nbytes


def sound_streams() -> None:
    """Make standard output and error usable: closed, without a reader, in whatever encoding."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # left closed, its number would go to the next file that is opened
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for number, name in ((1, "stdout"), (_ERRORS, "stderr")):
        encoding = getattr(getattr(sys, name), "encoding", None) or "utf-8"
        raw: Any = _Output(number, "w", closefd=False)
        lines = number == _ERRORS or raw.isatty()
        setattr(sys, name, io.TextIOWrapper(raw, encoding, "replace", line_buffering=lines))


def leave(code: int) -> NoReturn:
    """End the process with an exit code, without Python's own tidying up.

    That takes half a second; and threads of a stopped sampler may crash as their code is freed.
    """
    if panels := sys.modules.get("beliefs.study.panels"):
        panels.place().cleanup()
    try:
        sys.stdout.flush()
    except OSError as error:  # what was asked for did not arrive
        code = code or _said(error)
    sys.stderr.flush()
    os._exit(code)


def _said(error: BeliefsError | OSError) -> int:
    """Print an error, and return its exit code."""
    if isinstance(error, OSError):
        error = StudyError(
            "a file could not be read or written", where=str(error.filename or ""),
            found=str(error.strerror or error), expected="a place this user may use, with room",
            fix="check the path and its rights",
        )  # fmt: skip
    sys.stderr.write(f"error: {error.render()}\n")
    return error.exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        with no_lost_interrupt():
            code = _run(arguments)
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED:  # Typer too makes this code of an interrupt
        sys.stderr.write("stopped; nothing unfinished was written\n")
    return code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        done = app(args=None if arguments is None else list(arguments), standalone_mode=False)
    except (BeliefsError, OSError) as error:
        return _said(error)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except TyperException as error:  # an unknown option, a value out of range
        # Without a message nothing was asked, and the help is printed already.
        if message := error.format_message().strip():
            path = getattr(getattr(error, "ctx", None), "command_path", None) or "beliefs"
            sys.stderr.write(f"error: {message}\n  fix:     see `{path} --help`\n")
        return 2
    return done if isinstance(done, int) else 0


def entry() -> None:
    """Run as a program."""
    sound_streams()
    gc.set_threshold(100_000, 50, 50)  # looking for garbage among what imports make takes a tenth
    # Other commands do without dask, which xarray imports where it finds it: 0.8 s of an update.
    if not MANY.intersection(sys.argv) and "xarray" not in sys.modules:
        sys.modules["dask"] = None  # type: ignore[assignment]
    leave(main())
