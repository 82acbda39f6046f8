"""`fit`: the retrospective posterior by NUTS."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.diagnose import diagnose
from beliefs.inference.nuts.model import compiled_model
from beliefs.inference.nuts.recentre import innovations
from beliefs.inference.nuts.sampling import Sampling, checked_seed
from beliefs.inference.posterior import Posterior, draws_tree, nothing_free, stacked_params
from beliefs.model.priors import no_fastmath
from beliefs.model.structure import Columns, Structure, columns, structure_of
from beliefs.model.theory import Theory, free_parameters, theory_of
from beliefs.shown import to_log
from beliefs.study.load import Study


@no_fastmath
def fit(
    study: Study,
    theory: Theory | str | Path,
    *,
    seed: int,
    sampling: Sampling | None = None,
    progress: Callable[[str], None] | None = None,
    share_done: Callable[[float], None] | None = None,
    inputs: Inputs | None = None,
) -> Posterior:
    """Sample the posterior of a theory given a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`; only rows published by its as-of date are in it.
    theory
        From `beliefs.load_theory`, or what that takes: a name, an id or a file.
    seed
        Seed of everything random here.
    sampling
        Sampler settings; the package's own when None.
    progress
        Called with the name of each stage as it begins.
    share_done
        Called now and then while sampling with the share of draws done, 0 to 1.
    inputs
        What replaces `build_inputs(study)`: some of it hidden, or simulated.

    Returns
    -------
    Posterior
        With its convergence check; a failed one does not raise here but in `forecast`.

    Raises
    ------
    StudyError
        The theory frees nothing on this study; the seed cannot be used.

    Examples
    --------
    >>> few = beliefs.Sampling(draws=100, tune=100, chains=2, attempts=1)
    >>> beliefs.fit(study, "base_rate", seed=1, sampling=few).tree["posterior"].sizes["draw"]
    100
    """
    import nutpie  # slow to load, and whoever imports `fit` may only track

    def share(chains: Any) -> None:
        whole = sum(chain.total_draws for chain in chains)
        done = sum(chain.finished_draws for chain in chains)
        if share_done is not None:
            share_done(done / max(whole, 1))

    seed = checked_seed(seed)
    theory, sampling = theory_of(theory), sampling or Sampling()
    say = progress or to_log
    started = time.perf_counter()
    inputs = build_inputs(study) if inputs is None else inputs
    structure, cols = structure_of(inputs), columns(inputs)
    if not free_parameters(theory, structure):
        raise nothing_free(theory)
    say("compile")
    compiled = compiled_model(theory, structure, cols)
    seconds = {"compile": time.perf_counter() - started, "sample": 0.0, "evaluate": 0.0}
    for attempt in range(sampling.attempts):
        say(f"sample again, {2**attempt} times as long" if attempt else "sample")
        began = time.perf_counter()
        sampler: Any = nutpie.sample(
            compiled,
            draws=sampling.draws * 2**attempt,
            tune=sampling.tune,
            chains=sampling.chains,
            cores=sampling.cores,
            seed=seed,
            target_accept=sampling.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=None if share_done is None else share,
            blocking=False,  # else it swallows an interrupt and hands back the draws it has
        )
        try:
            raw = sampler.wait()
        except BaseException:
            sampler.cancel()
            raise
        sampled = time.perf_counter()
        say("evaluate")
        tree = draws_tree(study, inputs, theory, *_draws(raw, theory, structure, cols))
        report = diagnose(tree)
        seconds["sample"] += sampled - began
        seconds["evaluate"] += time.perf_counter() - sampled
        if not report.too_short:
            break
    timings = {k: round(v, 3) for k, v in seconds.items()}
    return Posterior(study, inputs, theory, tree, report, seed, timings)


def _draws(
    raw: Any, theory: Theory, structure: Structure, cols: Columns
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    sampled, free = raw["posterior"], free_parameters(theory, structure)
    draws = {p.name: np.asarray(sampled[p.name].values) for p in free if p.name in sampled}
    if "xi" in sampled:
        prior = next(p.prior for p in free if p.name == "belief_mean")
        z, xi = (np.asarray(sampled[name].values) for name in ("z", "xi"))
        params = stacked_params(theory, structure, draws)
        level, innovation, *_ = innovations(np, params, cols, structure, z, xi, prior)
        draws |= {"belief_mean": level, "innovation": innovation}
    stats = {
        name: np.asarray(raw["sample_stats"][name].values)
        for name in ("diverging", "energy", "n_steps", "step_size")
    }
    return draws, stats
