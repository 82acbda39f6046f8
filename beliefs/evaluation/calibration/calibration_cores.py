"""Simulations of a calibration on several cores: one process each, the same bits on any number."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from beliefs.errors import BeliefsError, StudyError
from beliefs.evaluation.calibration.calibration import Design, simulation
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.model.theory import table_of, theory_from_table
from beliefs.study.load import load_study

__all__ = ["simulated"]

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AHEAD = 2  # simulations handed to each process before it asks for more
Line = dict[str, Any]


def simulated(design: Design, numbers: Iterable[int], cores: int | None = None) -> Iterator[Line]:
    """Yield the simulations of these numbers as they are done, in no certain order.

    Parameters
    ----------
    design
        What they share. Further processes load the study from its folder again.
    numbers
        Which simulations.
    cores
        Processes, of one thread each; None runs simulations one by one in this process.

    Yields
    ------
    dict
        The fields of `beliefs.evaluation.calibration.calibration.Simulation` and ``seconds`` of
        processor time,
        or ``number`` and ``error`` where one could not be done: a simulation that is left out
        silently would bend the ranks of all others.

    Raises
    ------
    StudyError
        A process was killed. What was done by then is yielded before.
    """
    if cores is None:
        inputs = build_inputs(design.study)
        for number in numbers:
            yield _line(design, number, inputs)
        return
    plan = _written(design)
    with _single_threaded(), contextlib.ExitStack() as stack:
        import multiprocessing

        pool = ProcessPoolExecutor(
            cores, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent
        )
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        left, running = iter(numbers), set[Future[Line]]()
        while True:
            try:
                for number in left:
                    running.add(pool.submit(_at_work, plan, number))
                    if len(running) >= cores * AHEAD:
                        break
            except BrokenProcessPool as error:
                yield from _rescued(running)
                raise _killed(number) from error
            if not running:
                pool.shutdown()
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            broken = [
                future for future in done if isinstance(future.exception(), BrokenProcessPool)
            ]
            if broken:
                # The others' results are whole: a pool that breaks takes none back.
                yield from _rescued(done | running)
                raise _killed(number) from broken[0].exception()
            for future in done:
                yield future.result()
    # A program that leaves at once would leave the pool's semaphores to be complained of.
    del pool, stack
    gc.collect()


def _rescued(futures: Iterable[Future[Line]]) -> Iterator[Line]:
    """Yield the results of those that were done before the pool broke."""
    wait(futures)
    for future in futures:
        if not future.cancelled() and future.exception() is None:
            yield future.result()


def _killed(number: int) -> StudyError:
    return StudyError(
        "a process that simulates was killed, perhaps because memory ran out",
        where=f"simulations up to number {number}",
        found="a process that ended without an answer",
        expected="processes that live until they are done",
        mend="run the same command again: simulations that were done are kept; with fewer --cores "
        "if memory is short",
    )


def _line(design: Design, number: int, inputs: Inputs) -> Line:
    begun = time.process_time()
    try:
        line = asdict(simulation(design, number, inputs))
    except (BeliefsError, ValueError, FloatingPointError) as error:
        line = {"number": number, "error": f"{type(error).__name__}: {error}"}
    return line | {"seconds": round(time.process_time() - begun, 3)}


def _written(design: Design) -> str:
    """Return a design as text, from which a process makes it again."""
    source = design.truth
    return json.dumps(
        {
            "study": str(design.study.path),
            "as_of": str(design.study.as_of),
            "theory": table_of(design.theory),
            "truth": None if source is None else table_of(source),
            **{k: getattr(design, k) for k in ("seed", "particles", "draws", "horizon")},
        }
    )


@lru_cache(maxsize=1)
def _made(plan: str) -> tuple[Design, Inputs]:
    told = json.loads(plan)
    study = load_study(told.pop("study"), as_of=told.pop("as_of"))
    theories = {
        key: None if told[key] is None else theory_from_table(told[key], key)
        for key in ("theory", "truth")
    }
    return Design(study, **{**told, **theories}), build_inputs(study)


def _at_work(plan: str, number: int) -> Line:
    """Do one simulation in a process of its own."""
    design, inputs = _made(plan)
    return _line(design, number, inputs)


def _end_with_parent() -> None:
    """Let this process end when the one that started it does, however that ends."""
    import multiprocessing
    import signal

    parent = multiprocessing.parent_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to handle

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """Let processes that are started meanwhile use one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
