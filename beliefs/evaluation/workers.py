"""Jobs one by one in this process, in several on this machine, or on a cluster, by dask.

Results do not depend on who does the work: a job gets its own seeds. A worker that dies loses its
job alone, which another does.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from beliefs.errors import StudyError
from beliefs.shown import Say, to_log

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def in_order(
    work: Callable[[Any, Any, Say], Any],
    jobs: Sequence[Any],
    prepare: Callable[[], Any],
    workers: int | None,
    scheduler: str | None,
    progress: Say | None,
) -> list[Any]:
    """Return what `work` makes of each job, in their order, see `done`; it may say how it goes."""
    say = progress or to_log
    here = workers is None and scheduler is None
    found = {}
    many = [(k, job, work, say if here else None) for k, job in enumerate(jobs)]
    for k, result in done(_placed, many, prepare, workers, scheduler):
        found[k] = result
        if not here:
            say(f"{len(found)} of {len(jobs)} done")
    return [found[k] for k in range(len(jobs))]


def _placed(job: tuple[int, Any, Callable[..., Any], Say | None], shared: Any) -> tuple[int, Any]:
    place, what, work, say = job
    return place, work(what, shared, say or (lambda _: None))


def done(
    work: Callable[[Any, Any], Any],
    jobs: Sequence[Any],
    prepare: Callable[[], Any],
    workers: int | None,
    scheduler: str | None,
) -> Iterator[Any]:
    """Yield what `work` makes of each job and of what `prepare` returns, in no certain order.

    One by one in this process, in `workers` processes of one thread each on this machine, or
    behind the address of a dask `scheduler`.
    """
    if not jobs:
        return
    if workers is None and scheduler is None:
        shared = prepare()
        yield from (work(job, shared) for job in jobs)
        return
    from distributed import as_completed  # slow to load, and needed for several processes alone
    from distributed.scheduler import KilledWorker  # likewise

    with cluster(workers, scheduler) as client:
        shared = client.submit(prepare, pure=False)
        running = client.map(work, jobs, shared=shared, pure=False)
        lost: list[KilledWorker] = []
        for future in as_completed(running):
            try:
                yield future.result()
            except KilledWorker as error:
                lost.append(error)
            future.release()
        if lost:
            raise StudyError(
                "a process was killed again and again, perhaps for want of memory",
                where=f"{len(lost)} of {len(jobs)} jobs",
                found="processes that ended without an answer", expected="processes that live on",
                fix="run the same command again, with fewer --cores if memory is short: "
                "what was kept in a folder is not done again",
            ) from lost[0]  # fmt: skip


@contextlib.contextmanager
def cluster(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """Open a client of the scheduler, or of a cluster on this machine that ends with it."""
    from distributed import Client, LocalCluster  # slow to load

    if scheduler is None:
        with (
            LocalCluster(
                n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                memory_limit=None, silence_logs=logging.CRITICAL, env=dict.fromkeys(THREADS, "1"),
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            yield client
        return
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise StudyError(
            "no scheduler answers", where="--scheduler", found=scheduler,
            expected="the address of a dask scheduler, such as tcp://host:8786",
            fix="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from error  # fmt: skip
    with client:
        yield client
