"""An interrupt, or a signal to terminate, ends what is running, wherever it strikes."""

from __future__ import annotations

import _thread
import contextlib
import io
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NoReturn

from beliefs.errors import StudyError

__all__ = ["STOPPED", "heeded", "leave", "sound_streams", "stoppable"]

STOPPED = 130
_AGAIN = 0.05  # seconds until a lost interrupt is sent again
_ERRORS = 2  # the number of standard error, where a message that finds no room is dropped
_SAME = 1.0  # seconds in which another signal means the same: `timeout` sends two
_USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Let no library lose an interrupt while the block runs, nor a signal to terminate.

    Python raises KeyboardInterrupt in whatever Python code runs next. Where compiled code called
    that, it may print and drop the interrupt, as Numba's compiler does: then it is sent again. Or
    it may make an error of its own of it, as code in Rust does: then that error is the interrupt.
    Another signal within a second is taken for the same.

    Raises
    ------
    KeyboardInterrupt
        A signal came, however the block ended.
    """
    came, struck = False, -math.inf
    timers: list[threading.Timer] = []
    lost_before = sys.unraisablehook

    def stop(*_: Any) -> None:
        nonlocal came, struck
        if time.monotonic() - struck < _SAME:
            return  # what the first one ended is being tidied up
        came, struck = True, time.monotonic()
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
        if came:
            raise KeyboardInterrupt from error
        raise
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = lost_before
        for number in taken:
            signal.signal(number, _USUAL[number])
    if came and not timers:
        raise KeyboardInterrupt


def stoppable[**P](command: Callable[P, int]) -> Callable[P, int]:
    """Make a function that returns an exit code say so, and return STOPPED, when it is stopped."""

    @wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            with heeded():
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
    """Make standard output and error usable where they are closed, or lose their reader.

    A closed one is as if it led to the null device. Left closed, its number would be given to the
    next file that is opened, and messages would be written into that.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
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
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            if not code:  # what was asked for did not arrive
                code = unusable(error).exit_code
                with contextlib.suppress(OSError):
                    sys.stderr.write(f"error: {unusable(error).render()}\n")
                    sys.stderr.flush()
    os._exit(code)


def unusable(error: OSError) -> StudyError:
    """Return the error for a file, or a standard stream, that could not be read or written."""
    return StudyError(
        "a file could not be read or written",
        where=str(error.filename or ""),
        found=str(error.strerror or error),
        expected="a place this user may use, with room",
        mend="check the path and its rights",
    )
