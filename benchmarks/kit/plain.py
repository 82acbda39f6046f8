"""The model as a textbook writes it, from the same mechanisms, and draws of it by four samplers.

Level and innovations of belief are sampled as they stand in the equations (non-centred innovations,
no filter, no change of variables). Only the parts of `beliefs.inference.nuts.model` that concern
the
sampler's coordinates are left out.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from beliefs.inference.posterior import stacked_params
from beliefs.model import system
from beliefs.model.numerics.recurrence import step
from beliefs.model.structure import Columns, Structure
from beliefs.model.theory import Theory, free_parameters, null_values
from kit import timing

Draws = dict[str, Any]
Result = tuple[Draws, Any, dict[str, float]]
"""Draws, which transitions diverged, and seconds: compile, sample, and sample's of processor."""


def plain_model(theory: Theory, structure: Structure, columns: Columns) -> Any:
    """The PyMC model of a theory on a study, all free parameters as they are declared."""
    import pymc as pm
    import pytensor.tensor as pt

    coords: dict[str, Any] = {k: v for k, v in structure.coords.items() if v}
    coords["time"] = list(range(structure.n_time))
    with pm.Model(coords=coords) as model:
        params = {
            name: pt.as_tensor_variable(v) for name, v in null_values(theory, structure).items()
        }
        for parameter in free_parameters(theory, structure):
            params[parameter.name] = parameter.prior.to_pymc(parameter.name, dims=parameter.dims)
        paths = system.evaluate(pt, params, columns, structure)
        logs = system.log_likelihoods(pt, params, columns, structure, paths)
        pm.Potential("log_talks", logs["talks"].sum())
        if "readings" in theory.mechanisms:
            pm.Potential("log_reading", logs["reading"].sum())
    return model


def teach_jax() -> None:
    """Give JAX the package's recursion: the same step in a scan, which JAX differentiates."""
    import jax
    import jax.numpy as jnp
    from pytensor.link.jax.dispatch import jax_funcify

    from beliefs.model.numerics.compiled_op import CompiledOp

    @jax_funcify.register(CompiledOp)  # the model without recentring has no other
    def _recurrence(op: Any, **kwargs: Any) -> Callable[..., Any]:
        def run(a: Any, c: Any, m: Any, start: Any) -> Any:
            def one(belief: Any, now: Any) -> tuple[Any, Any]:
                belief = step(jnp, now[0], now[1], now[2], belief)
                return belief, belief

            return jax.lax.scan(one, start, (a.T, c.T, m.T))[1].T

        return run


def sample_nutpie(model: Any, seed: int, limit: float) -> Result:
    """nutpie's defaults; stopped at `limit` seconds, with the draws that it has by then."""
    import nutpie

    began = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model)
    compiling = time.perf_counter() - began
    sampler = nutpie.sample(
        compiled, chains=4, cores=2, seed=seed, progress_bar=False, save_warmup=False,
        blocking=False,
    )  # fmt: skip
    began, used = time.perf_counter(), timing.processor()
    try:
        tree = sampler.wait(timeout=limit)
    except TimeoutError:
        tree = sampler.abort()
    sampling = time.perf_counter() - began
    seconds = {"compile": compiling, "sample": sampling, "processor": timing.processor() - used}
    return *_kept(tree), seconds


def sample_pymc(name: str) -> Callable[[Any, int, float], Result]:
    """`pm.sample` of 4 chains with the defaults of one of its samplers.

    PyMC's own counts as compiling until its first draw; the others do not tell the two apart, so
    that their compiling counts as 0 and the whole as sampling.
    """

    def sample(model: Any, seed: int, limit: float) -> Result:
        import pymc as pm

        if name != "pymc":
            teach_jax()
        began = [time.perf_counter(), timing.processor()]
        first: list[float] = []

        def watch(**_: Any) -> None:
            if not first:
                first.extend((time.perf_counter(), timing.processor()))
            if time.perf_counter() - first[0] > limit:
                raise KeyboardInterrupt  # it then hands back the draws it has

        more: dict[str, Any] = {"callback": watch} if name == "pymc" else {}
        with model:
            tree = pm.sample(
                chains=4, cores=2, random_seed=seed, nuts_sampler=name, progressbar=False,
                compute_convergence_checks=False, **more,
            )  # fmt: skip
        kept = _kept(tree)  # before the clock is read: arrays of JAX may not be done yet
        start = first or began
        seconds = {
            "compile": start[0] - began[0],
            "sample": time.perf_counter() - start[0],
            "processor": timing.processor() - start[1],
        }
        return *kept, seconds

    return sample


SAMPLERS: dict[str, Callable[[Any, int, float], Result]] = {
    "pymc": sample_pymc("pymc"),
    "nutpie": sample_nutpie,
    "numpyro": sample_pymc("numpyro"),
    "blackjax": sample_pymc("blackjax"),
}


def with_beliefs(theory: Theory, structure: Structure, columns: Columns, draws: Draws) -> Draws:
    """Draws of the free parameters, and the beliefs that follow, innovations left out."""
    params = stacked_params(theory, structure, draws)
    belief = system.evaluate(np, params, columns, structure).logit_belief
    kept = {k: v for k, v in draws.items() if k != "innovation"}
    return kept | {"logit_belief": belief}


def _kept(tree: Any) -> tuple[Draws, Any]:
    posterior = tree["posterior"].to_dataset()
    draws = {str(k): np.asarray(v.values) for k, v in posterior.data_vars.items()}
    return draws, np.asarray(tree["sample_stats"]["diverging"].values)
