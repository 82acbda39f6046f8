"""Times taken in turns, so that what else the machine does falls on all alike."""

import datetime as dt
import gc
import os
import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numba
import numpy as np

Times = dict[str, list[float]]


def timed[R](task: Callable[..., R], *given: Any, **named: Any) -> tuple[float, R]:
    """Wall time of one call, and what it returned; garbage is not looked for, as in `timeit`."""
    gc.collect()
    gc.disable()
    try:
        began = time.perf_counter()
        result = task(*given, **named)
        return time.perf_counter() - began, result
    finally:
        gc.enable()


def processor() -> float:
    """Seconds of processor that this process, its threads and its ended children have used.

    What else the machine does lengthens a wall clock and not this one.
    """
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def in_turns(tasks: Mapping[str, Callable[[], Any]], rounds: int, *, warm: bool = True) -> Times:
    """Seconds of each task, A B A B; each is called once before when `warm`."""
    if warm:
        for task in tasks.values():
            task()
    out: Times = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            out[name].append(timed(task)[0])
    return out


def ratio(times: Times, one: str, other: str) -> float:
    """Median over the rounds of how many times as long `one` took as `other`."""
    return float(np.median(np.divide(times[one], times[other])))


def exponent(sizes: Sequence[float], taken: Sequence[float]) -> float:
    """Slope of log time in log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(taken), 1)[0])


def machine() -> str:
    """Date, cores and load: what a number below depends on besides the code."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = ", ".join(f"{v:.1f}" for v in os.getloadavg()) if hasattr(os, "getloadavg") else "?"
    return (
        f"{now}; {os.cpu_count()} cores, {numba.config.NUMBA_NUM_THREADS} threads of numba; "
        f"load {load}; Python {platform.python_version()}"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)
