"""Simulation-based calibration: studies drawn from the prior, tracked, and the truth ranked.

The truth is one more draw of the posterior: its rank is uniform (Talts, Betancourt, Simpson,
Vehtari and Gelman 2018), for every quantity of data and parameters alike (Modrák and others 2023).
Actions are drawn from what the filter knew of beliefs a period before, as the theory says (a cut,
`beliefs.inference.smc.blocks`): what is calibrated is the inference, not the cut itself. A
simulation is a function of the design and its number, whoever does it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.errors import BeliefsError, StudyError
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.forecasting.forecast import Forecast
from beliefs.forecasting.targets import event_steps, explained, headline
from beliefs.inference.exact import exact
from beliefs.inference.filter.smooth import draw_paths
from beliefs.inference.posterior import Posterior, drawn, stacked_params
from beliefs.inference.smc.belief_lag import belief_lag
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.inference.smc.particles import resample
from beliefs.inference.smc.track import track
from beliefs.model import system
from beliefs.model.contract import Parameter
from beliefs.model.structure import Structure, structure_of, until
from beliefs.model.theory import Theory, conduct_neutral, conduct_parameters, free_parameters
from beliefs.simulation.paths import Draws, check_horizon, future_dates, simulate
from beliefs.simulation.studies import Truth, simulate_belief_block, simulate_observed
from beliefs.study.load import Study

Floats = NDArray[np.float64]
Values = dict[str, Floats]
Line = dict[str, Any]

DRAWS = 100
# What is ranked: names of quantities begin with one of these and a colon.
GROUPS = ("parameter", "conduct", "belief", "density", "forecast")
THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
COUNTS = ("strikes", "excluded", "peripheral")  # acts whose number in the horizon is ranked


@dataclass(frozen=True)
class Design:
    """What all simulations share; seed and number fix everything random."""

    study: Study  # its calendar, evidence, coverage, shocks, and who spoke when are kept
    theory: Theory
    seed: int
    particles: int
    draws: int = DRAWS  # of the posterior, L, that the truth is ranked among
    horizon: int = 30  # periods of the futures
    # Draws the studies, `theory` when None; another makes them wrong on purpose
    truth: Theory | None = None


def rank(values: Floats, truth: float, rng: np.random.Generator) -> int:
    """Return the rank of the truth among draws (L,), from 0 to L; ties are broken at random."""
    if np.isnan(values).any() or np.isnan(truth):
        raise ValueError("a quantity to be ranked is not a number")
    ties = int((values == truth).sum())
    return int((values < truth).sum()) + int(rng.integers(0, ties + 1))


@exact
def simulation(design: Design, number: int, inputs: Inputs | None = None) -> Line:
    """Draw a study from the prior, track it and rank the truth among draws of the posterior."""
    check_horizon(design.horizon)
    inputs = build_inputs(design.study) if inputs is None else inputs
    structure, theory = structure_of(inputs), design.theory
    source = design.truth or theory
    streams = [np.random.default_rng([design.seed, number, part]) for part in range(5)]
    seed = int(streams[4].integers(2**31))
    mine = drawn(free_parameters(source, structure), structure, streams[0], ())
    theirs = drawn(conduct_parameters(source, structure), structure, streams[0], ())
    made, truth = simulate_belief_block(inputs, source, mine, streams[1])
    belief = track(design.study, theory, particles=design.particles, seed=seed, inputs=made)
    lag = belief_lag(belief, structure.n_time)
    made = simulate_observed(made, source, theirs, streams[2], beliefs=lag)
    found = track_blocks(
        design.study, theory, particles=design.particles, seed=seed, inputs=made, belief=belief
    )
    known = _Known(design, found, mine, theirs, truth, streams[3])
    quantities = dict(known.quantities())
    steps = known.futures(seed)
    quantities |= {f"forecast:{name}": values for name, values in steps.items()}
    ranked = {k: rank(v[:-1], float(v[-1]), streams[3]) for k, v in quantities.items()}
    within = {k: v <= design.horizon for k, v in steps.items() if k.startswith("time of ")}
    return {
        "number": number,
        "ranks": ranked,  # by quantity, 0 to L
        "probabilities": {k: (float(v[:-1].mean()), bool(v[-1])) for k, v in within.items()},
        "resampled": len(belief.rejuvenations),  # times that particles of belief were moved
        "effective": float(belief.ess.min()),
    }


class _Known:
    """Draws of the posterior with the truth as the last row, (L + 1, ...)."""

    def __init__(
        self,
        design: Design,
        found: Blocks,
        mine: Values,
        theirs: Values,
        truth: Truth | None,
        rng: np.random.Generator,
    ) -> None:
        assert found.belief is not None
        self.design, self.found, self.track = design, found, found.belief
        theory, structure = found.theory, structure_of(found.inputs)
        self.structure, n = structure, self.track.n_time
        model = self.track.model()
        index = resample(self.track.log_weights[-1], rng.random(), design.draws)
        scores = self.track.scores()[index]
        self.free = [p for p in free_parameters(theory, structure) if p.name != "innovation"]
        self.belief = _joined(self.track.coordinates.params(scores), mine, self.free)
        actions = found.params(design.draws, rng, beliefs=False)
        self.actions = _joined(actions, theirs, conduct_parameters(theory, structure))
        at = self.track.coordinates.scores(
            {k: v[-1:] for k, v in self.belief.items()}, {p.name: p.prior for p in self.free}
        )
        both = np.concatenate([scores, at])
        end = model.replay(both, n)[0]
        self.likelihood = end.total[:, 0] + end.newest.sum(axis=1)
        self.prior = -0.5 * np.square(both).sum(axis=1)
        self.path: Floats | None = None
        self.run: Any = None
        if truth is not None:
            kept = model.replay(scores, n, keep=True)[2]
            own = truth.logit_belief[None, :, :n]
            self.path = np.concatenate([draw_paths(kept, rng)[0], own])
            params = stacked_params(theory, structure, self.belief)
            cols = until(model.columns, n)
            self.run = system.evaluate(np, params, cols, structure, logit_belief=self.path)

    def quantities(self) -> Iterable[tuple[str, Floats]]:
        """Yield what is ranked but for the futures, each (L + 1,)."""
        theory, structure = self.found.theory, self.structure
        yield from _elements("parameter", self.belief, self.free, structure)
        yield from _elements(
            "conduct", self.actions, conduct_parameters(theory, structure), structure
        )
        if self.path is not None:
            for i, side in enumerate(structure.sides):
                yield f"belief:{side}", self.path[:, i, -1]
            yield "belief:surplus", np.asarray(self.run.surplus)[:, -1]
        yield "density:likelihood of belief", self.likelihood
        yield "density:posterior of belief", self.likelihood + self.prior
        columns = until(self.found.columns, self.track.n_time)
        full = conduct_neutral(theory, structure) | self.actions
        for block in self.found.layout:
            if block.beliefs:
                continue
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                logs = system.conduct_log_likelihoods(
                    np, full, columns, structure, block.observables
                )
            size = self.design.draws + 1
            total = sum(np.broadcast_to(v.sum(axis=-1), (size,)) for v in logs.values())
            yield f"density:likelihood of {block.name}", np.asarray(total)

    def futures(self, seed: int) -> Values:
        """Return quantities (L + 1,) of futures, a draw's own but for random numbers and news."""
        design, inputs, theory = self.design, self.found.inputs, self.found.theory
        report = self.track.report()
        known = Posterior(self.found.study, inputs, theory, None, report, seed, {})
        acts = conduct_neutral(theory, self.structure) | self.actions if self.actions else None
        start: tuple[Any, Any, Any] = (None, None, None)
        if self.path is not None:
            audience = np.broadcast_to(self.run.audience[..., -1], (design.draws + 1, 2))
            start = self.path, audience, np.asarray(self.run.surplus)
        dates = future_dates(inputs, design.horizon)
        mine = Draws(theory, self.belief, *start, acts)
        paths = simulate(known, mine, dates, seed, (), True)
        ahead = Forecast(known, dates, paths, paths, (), seed, True)
        out: Values = {}
        for name, side in headline(ahead, explained(ahead)):
            label = f"time of {name}" + (f" of {side}" if side else "")
            out[label] = event_steps(ahead, name, side).astype(float)
        if paths.logit_belief is not None and paths.surplus is not None:
            for i, side in enumerate(self.structure.sides):
                out[f"belief of {side} at the horizon"] = paths.logit_belief[:, i, -1]
            out["surplus at the horizon"] = paths.surplus[:, -1]
        for name in COUNTS:
            if paths.events is not None and name in paths.events:
                values = np.asarray(paths.events[name], dtype=float)
                out[f"number of {name}"] = values.reshape(len(values), -1).sum(axis=1)
        return out


def _joined(draws: Values, truth: Values, parameters: Iterable[Parameter]) -> Values:
    """Return draws with the truth after them."""
    return {p.name: np.concatenate([draws[p.name], truth[p.name][None]]) for p in parameters}


def _elements(
    group: str, values: Values, parameters: Iterable[Parameter], structure: Structure
) -> Iterable[tuple[str, Floats]]:
    """Yield every element of parameters by its name and labels."""
    coords = structure.coords
    for p in parameters:
        for index in np.ndindex(structure.size(p.dims)):
            labels = [str(coords[d][i]) for d, i in zip(p.dims, index, strict=True)]
            name = f"{group}:{p.name}" + (f"[{', '.join(labels)}]" if labels else "")
            yield name, values[p.name][:, *index]


def simulated(
    design: Design, numbers: Iterable[int], workers: int | None = None, scheduler: str | None = None
) -> Iterator[Line]:
    """Yield lines of simulations as they are done, in no certain order.

    They run one by one in this process, in `workers` processes of one thread each on this machine,
    or behind the address of a dask `scheduler`. One that could not be done has an ``error``: left
    out silently it would bias the ranks of all others.
    """
    if workers is None and scheduler is None:
        prepared = _prepared(design)
        for number in numbers:
            yield _at_work(number, prepared)
        return
    from distributed import as_completed  # slow to load, and needed for several processes alone
    from distributed.scheduler import KilledWorker

    with _client(workers, scheduler) as client:
        shared = client.submit(_prepared, design, pure=False)
        running = client.map(_at_work, list(numbers), shared=shared, pure=False)
        lost: list[KilledWorker] = []
        for future in as_completed(running):
            try:
                line = future.result()
            except KilledWorker as error:
                lost.append(error)
                continue
            future.release()
            yield line
        if lost:
            raise StudyError(
                "a process that simulates was killed again and again, perhaps for want of memory",
                where=f"{len(lost)} simulations",
                found="processes that ended without an answer",
                expected="processes that live until they are done",
                mend="run the same command again: simulations that were done are kept; with fewer "
                "--cores if memory is short",
            ) from lost[0]


@contextlib.contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
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
            "no scheduler answers",
            where="--scheduler",
            found=scheduler,
            expected="the address of a dask scheduler, such as tcp://host:8786",
            mend="start one with `dask scheduler`, and workers with `dask worker ADDRESS`",
        ) from error
    with client:
        yield client


def _prepared(design: Design) -> tuple[Design, Inputs]:
    """Build the inputs that all simulations share, once a worker asks for them."""
    return design, build_inputs(design.study)


def _at_work(number: int, shared: tuple[Design, Inputs]) -> Line:
    """Do one simulation, wherever it is."""
    begun = time.process_time()
    try:
        line = simulation(shared[0], number, shared[1])
    except (BeliefsError, ValueError, FloatingPointError) as error:
        line = {"number": number, "error": f"{type(error).__name__}: {error}"}
    return line | {"seconds": round(time.process_time() - begun, 3)}
