"""Known parameters of conduct, studies drawn from them, and how often intervals hold them."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parent.parent / "mechanism"))  # for conduct_design

from conduct_design import columns, prior_draws, structure

from beliefs.inference.smc.sequential import track_likelihood
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import until
from beliefs.model.theory import conduct_declared, mechanisms

STUDIES = 30
LEVEL = 0.9
FALSE_ALARM = 0.01  # chance that a test of a correct mechanism fails, all its parameters together


@dataclass(frozen=True)
class Recovery:
    """What came of tracking many made-up studies.

    Attributes
    ----------
    held
        Parameter -> (study, element) whether the interval held the truth.
    contraction
        Parameter -> mean of 1 - posterior sd / prior sd over studies and elements.
    """

    held: dict[str, np.ndarray]
    contraction: dict[str, float]

    def missed(self):
        """Parameters whose intervals hold the truth too rarely or too often, with the share."""
        allowed = FALSE_ALARM / len(self.held)
        return {
            name: float(held.mean())
            for name, held in self.held.items()
            if binomtest(int(held.sum()), held.size, LEVEL).pvalue < allowed
        }


@dataclass(frozen=True)
class Design:
    """A made-up study without the observables that are to be drawn.

    Attributes
    ----------
    structure, columns
        As the equations see it.
    parameters
        Those that the factors read, with the priors of the test.
    truth
        Draws of them from these priors, (STUDIES, ...) each.
    """

    structure: object
    columns: dict[str, np.ndarray]
    parameters: tuple
    truth: dict[str, np.ndarray]

    def state(self, t):
        """The columns of a period, for all studies alike."""
        return {name: values[..., t] for name, values in self.columns.items()}


def design(factors, seed, n_time=240, priors=()):
    """A design for some factors; `priors` replaces those priors under which studies explode."""
    where, rng = structure(n_time), np.random.default_rng(seed)
    known = {name: p for name, (_, p) in conduct_declared(where).items()}
    reads = [name for name in known if any(name in f.reads for f in factors)]
    chosen = tuple(
        replace(known[n], prior=dict(priors)[n]) if n in dict(priors) else known[n] for n in reads
    )
    seen = columns(where, rng)
    return Design(where, seen, chosen, prior_draws(chosen, where, STUDIES, rng))


def recover(made, factors, drawn, *, particles=400):
    """Track every study drawn from a design and compare with the truth.

    Parameters
    ----------
    made
        The design.
    factors
        Of one mechanism.
    drawn
        Columns that were drawn, (STUDIES, ..., time) each.
    particles
        Of each track.
    """
    module = next(m for m in mechanisms(actions=True).values() if factors[0] in m.FACTORS)
    names = [factor.name for factor in factors]
    known = coordinates_of(made.parameters, made.structure)
    prior = {p.name: float(np.std(p.prior.rvs(4000, random_state=1))) for p in made.parameters}
    held = {p.name: [] for p in made.parameters}
    shrunk = {p.name: [] for p in made.parameters}
    for study in range(STUDIES):
        mine = made.columns | {name: values[study] for name, values in drawn.items()}

        def likelihood(params, n, mine=mine):
            logs = module.log_likelihood(np, params, until(mine, n), made.structure, names)
            return np.stack([logs[name] for name in names], axis=-1)

        n_time = made.structure.n_time
        track = track_likelihood(likelihood, known, names, n_time, particles=particles, seed=study)
        draws = track.params(particles, np.random.default_rng(study))
        for name, values in draws.items():
            low, high = np.quantile(values, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0], axis=0)
            truth = made.truth[name][study]
            held[name].append(np.ravel((low <= truth) & (truth <= high)))
            shrunk[name].append(np.mean(1.0 - values.std(axis=0) / prior[name]))
    return Recovery(
        {name: np.asarray(values) for name, values in held.items()},
        {name: float(np.mean(values)) for name, values in shrunk.items()},
    )
