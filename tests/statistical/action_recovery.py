"""Known parameters of actions, studies drawn from them, and how often intervals hold them."""

from dataclasses import dataclass, replace

import numpy as np
from action_design import columns, prior_draws, structure
from scipy.stats import binomtest

from beliefs.inference.smc.sequential import track_likelihood
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.structure import until
from beliefs.model.theory import declared, mechanisms

STUDIES = 30
LEVEL = 0.9
FALSE_ALARM = 0.01  # chance that a test of a correct mechanism fails, all its parameters together


class Recovery:
    """What came of tracking many made-up studies, parameter by parameter."""

    def __init__(self, parameters):
        self.prior = {p.name: float(np.std(p.prior.rvs(4000, random_state=1))) for p in parameters}
        self.held = {name: [] for name in self.prior}  # by study, whether the interval did
        self.shrunk = {name: [] for name in self.prior}

    def add(self, draws, truth):
        """Take in the draws of one study's posterior."""
        for name, prior in self.prior.items():
            values = draws[name]
            low, high = np.quantile(values, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0], axis=0)
            self.held[name].append(np.ravel((low <= truth[name]) & (truth[name] <= high)))
            self.shrunk[name].append(np.mean(1.0 - values.std(axis=0) / prior))

    @property
    def contraction(self):
        """Mean of 1 - posterior sd / prior sd over studies and elements."""
        return {name: float(np.mean(values)) for name, values in self.shrunk.items()}

    def missed(self):
        """Parameters whose intervals hold the truth too rarely or too often, with the share."""
        held = {name: np.asarray(values) for name, values in self.held.items()}
        allowed = FALSE_ALARM / len(held)
        return {
            name: float(v.mean())
            for name, v in held.items()
            if binomtest(int(v.sum()), v.size, LEVEL).pvalue < allowed
        }


@dataclass(frozen=True)
class Design:
    """A made-up study without the observables that are to be drawn."""

    structure: object
    columns: dict[str, np.ndarray]
    parameters: tuple  # those that the factors read, with the priors of the test
    truth: dict[str, np.ndarray]  # draws of them from these priors, (STUDIES, ...) each

    def state(self, t):
        """The columns of a period, for all studies alike."""
        return {name: values[..., t] for name, values in self.columns.items()}


def design(factors, seed, n_time=240, priors=()):
    """A design for some factors; `priors` replaces those priors under which studies explode."""
    where, rng = structure(n_time), np.random.default_rng(seed)
    known = {name: p for name, (_, p) in declared(where, "actions").items()}
    reads = [name for name in known if any(name in f.reads for f in factors)]
    chosen = tuple(
        replace(known[n], prior=dict(priors)[n]) if n in dict(priors) else known[n] for n in reads
    )
    seen = columns(where, rng)
    return Design(where, seen, chosen, prior_draws(chosen, where, STUDIES, rng))


def recover(made, factors, drawn, *, particles=400):
    """Track every study drawn from a design, (STUDIES, ..., time) by column."""
    module = next(m for m in mechanisms("actions").values() if factors[0] in m.FACTORS)
    names = [factor.name for factor in factors]
    known, found = coordinates_of(made.parameters, made.structure), Recovery(made.parameters)
    for study in range(STUDIES):
        mine = made.columns | {name: values[study] for name, values in drawn.items()}

        def likelihood(params, n, mine=mine):
            logs = module.log_likelihood(np, params, until(mine, n), made.structure, names)
            return np.stack([logs[name] for name in names], axis=-1)

        n_time = made.structure.n_time
        track = track_likelihood(likelihood, known, names, n_time, particles=particles, seed=study)
        truth = {name: values[study] for name, values in made.truth.items()}
        found.add(track.params(particles, np.random.default_rng(study)), truth)
    return found
