"""Command line: every command is one call into the API; its module loads when it is called.

An interrupt, or a signal to terminate, ends what is running, wherever it strikes.
Exit codes: 0 done, 1 a bug, 2 bad input, 3 not converged, 4 nothing to do or a conflict,
130 stopped by a signal.
"""

from __future__ import annotations

import _thread
import ast
import contextlib
import gc
import io
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
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
    "studies": ("studies", "panels", "new-study", "check", "theories"),
    "runs": ("fit", "run", "forecast", "report", "track", "update", "reproduce", "diff"),
    "judge": ("compare", "verdicts", "backtest", "calibrate", "sensitivity"),
    "panel": ("panel",),
    "ledger": ("ledger",),
}
"""Names of the commands that each module holds, as functions or as a group."""


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
        if not isinstance(found, typer.Typer):
            one = typer.Typer(rich_markup_mode="markdown", add_completion=False)
            one.command(name)(found)
            found = one
        return name, typer.main.get_command(found), rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; what each command does is read from the source of its module."""
        for module, names in _MODULES.items():
            source = Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
            tree = ast.parse(source)
            said = {
                x.name: ast.get_docstring(x) for x in tree.body if isinstance(x, ast.FunctionDef)
            }
            for name in names:
                self.commands[name].help = said.get(name.replace("-", "_"), ast.get_docstring(tree))
        super().format_help(ctx, formatter)


app = typer.Typer(
    cls=_Commands,
    help="Bayesian belief dynamics: who thinks they are winning, and when that cracks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # rich markup would swallow what stands in brackets
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
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


@contextlib.contextmanager
def no_lost_interrupt() -> Iterator[None]:
    """Let no library lose an interrupt while the block runs, nor a signal to terminate.

    Python raises KeyboardInterrupt in whatever Python code runs next. Where compiled code called
    that, it may print and drop the interrupt, as Numba's compiler does: then it is sent again. Or
    it may make an error of its own of it, as code in Rust does: then that error is the interrupt.
    """
    interrupted, struck = False, -math.inf
    timers: list[threading.Timer] = []
    lost_before = sys.unraisablehook

    def stop(*_: Any) -> None:
        nonlocal interrupted, struck
        if time.monotonic() - struck < _SAME:
            return  # what the first one ended is being tidied up
        interrupted, struck = True, time.monotonic()
        raise KeyboardInterrupt

    def again(lost: sys.UnraisableHookArgs) -> None:
        nonlocal struck
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            lost_before(lost)
            return
        struck = -math.inf
        timer = threading.Timer(_AGAIN, _thread.interrupt_main)  # raised here it would be lost too
        timer.daemon = True
        timer.start()
        timers.append(timer)

    here = threading.current_thread() is threading.main_thread()
    # Whoever ignores a signal, or handles it, goes on doing so.
    taken = [n for n, usual in _USUAL.items() if here and signal.getsignal(n) == usual]
    for number in taken:
        signal.signal(number, stop)
    sys.unraisablehook = again
    try:
        yield
    except BaseException as error:
        if interrupted:
            raise KeyboardInterrupt from error
        raise
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = lost_before
        for number in taken:
            signal.signal(number, _USUAL[number])
    if interrupted and not timers:
        raise KeyboardInterrupt


def stoppable[**P](command: Callable[P, int]) -> Callable[P, int]:
    """Make a function that returns an exit code say so, and return STOPPED, when it is stopped."""

    @wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            with no_lost_interrupt():
                code = command(*args, **kwargs)
        except KeyboardInterrupt:
            code = STOPPED
        if code == STOPPED:  # Typer too makes this code of an interrupt
            sys.stderr.write("stopped; nothing unfinished was written\n")
        return code

    return inner


class _Output(io.FileIO):
    """An output whose reader may go away: what comes after that is dropped, the work goes on."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if isinstance(error, BrokenPipeError) or self.fileno() == _ERRORS:
                return memoryview(data).nbytes
            raise OSError(error.errno, error.strerror, "standard output") from error


def sound_streams() -> None:
    """Make standard output and error usable where they are closed, or lose their reader."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # left closed, its number would go to the next file that is opened
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for number, name in ((1, "stdout"), (_ERRORS, "stderr")):
        if os.isatty(number):
            continue
        encoding = getattr(getattr(sys, name), "encoding", None) or "utf-8"
        raw = io.BufferedWriter(_Output(number, "w", closefd=False))
        stream = io.TextIOWrapper(raw, encoding, "replace", line_buffering=number == _ERRORS)
        setattr(sys, name, stream)


def leave(code: int) -> NoReturn:
    """End the process with an exit code, without Python's own tidying up.

    That takes half a second once numba and pandas are loaded; and when a command was stopped,
    threads of the sampler may still run, and crash when their compiled code is freed.
    """
    if panels := sys.modules.get("beliefs.study.panels"):
        panels.place().cleanup()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            if not code:  # what was asked for did not arrive
                code = StudyError.exit_code
                with contextlib.suppress(OSError):
                    _told(unusable(error))
                    sys.stderr.flush()
    os._exit(code)


def _told(error: BeliefsError) -> int:
    """Print an error, and return its exit code."""
    sys.stderr.write(f"error: {error.render()}\n")
    return error.exit_code


def unusable(error: OSError) -> StudyError:
    """Return the error for a file, or a standard stream, that could not be read or written."""
    return StudyError(
        "a file could not be read or written",
        where=str(error.filename or ""),
        found=str(error.strerror or error),
        expected="a place this user may use, with room",
        fix="check the path and its rights",
    )


@stoppable
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        done = app(args=None if arguments is None else list(arguments), standalone_mode=False)
    except BeliefsError as error:
        return _told(error)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except OSError as error:
        return _told(unusable(error))
    except TyperException as error:  # an unknown option, a value out of range
        message = error.format_message().strip()
        if message:  # without one nothing was asked, and the help is printed already
            path = getattr(getattr(error, "ctx", None), "command_path", None) or "beliefs"
            sys.stderr.write(f"error: {message}\n  fix:     see `{path} --help`\n")
        return 2
    return done if isinstance(done, int) else 0


def entry() -> None:
    """Run as a program."""
    sound_streams()
    gc.set_threshold(100_000, 50, 50)  # looking for garbage among what imports make takes a tenth
    # No other command uses dask, which xarray imports where it finds it: 0.8 s of an update.
    if "calibrate" not in sys.argv and "xarray" not in sys.modules:
        sys.modules["dask"] = None  # type: ignore[assignment]
    leave(main())


if __name__ == "__main__":
    entry()
