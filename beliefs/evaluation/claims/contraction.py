"""What a study taught: how much narrower each parameter's posterior is than its prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.inference.conduct import Conduct
from beliefs.inference.posterior import Posterior
from beliefs.model.contract import Parameter
from beliefs.model.structure import structure_of
from beliefs.model.theory import conduct_parameters, free_parameters
from beliefs.model.variants import mechanisms_of

__all__ = ["LEARNABLE", "Contracted", "contraction", "parameter_draws"]

LEARNABLE = 0.1
"""Contraction below which a parameter counts as not learnable here (MODEL section 6)."""


@dataclass(frozen=True)
class Contracted:
    """One element of a parameter, before and after the data.

    Attributes
    ----------
    name
        Of the parameter, with the labels of the element.
    mechanism
        To which it belongs.
    prior_sd, posterior_sd
        Standard deviations, in the parameter's unit.
    power_prior, power_likelihood
        Sensitivity of its marginal posterior to the power of prior and likelihood: distance of the
        distributions per doubling (Kallioinen and others 2024); NaN where it cannot be told.
    """

    name: str
    mechanism: str
    prior_sd: float
    posterior_sd: float
    power_prior: float
    power_likelihood: float

    @property
    def contraction(self) -> float:
        """1 - sd(posterior) / sd(prior)."""
        return 1.0 - self.posterior_sd / self.prior_sd

    @property
    def learnable(self) -> bool:
        """Whether the study taught anything worth the name."""
        return self.contraction >= LEARNABLE

    def as_dict(self) -> dict[str, Any]:
        """Return the row as plain data."""

        def told(value: float) -> float | None:
            return round(value, 4) if np.isfinite(value) else None

        return {
            "name": self.name,
            "mechanism": self.mechanism,
            "prior_sd": told(self.prior_sd),
            "posterior_sd": told(self.posterior_sd),
            "contraction": told(self.contraction),
            "learnable": self.learnable,
            "power_prior": told(self.power_prior),
            "power_likelihood": told(self.power_likelihood),
        }


def parameter_draws(
    posterior: Posterior, conduct: Conduct | None
) -> dict[str, tuple[Parameter, NDArray[np.float64]]]:
    """Return the free parameters with their draws (sample, *shape), innovations left out."""
    dataset = posterior.tree["posterior"].to_dataset()
    out = {}
    for p in free_parameters(posterior.theory, posterior.structure):
        if p.name != "innovation":
            values = np.asarray(dataset[p.name].values, dtype=float)
            out[p.name] = (p, values.reshape(-1, *values.shape[2:]))
    if conduct is not None:
        for p in conduct_parameters(posterior.theory, posterior.structure):
            out[p.name] = (p, conduct.posterior[p.name])
    return out


def contraction(
    posterior: Posterior, conduct: Conduct | None = None, *, power: bool = True
) -> tuple[Contracted, ...]:
    """Return what the data did to every free parameter, element by element.

    Parameters
    ----------
    posterior
        From `beliefs.fit`, or of a track.
    conduct
        Draws of the parameters of conduct, where the theory has any.
    power
        Whether to power-scale as well, which takes longest.
    """
    structure = structure_of(posterior.inputs)
    home = {
        name: mechanism
        for mechanism, names in mechanisms_of(posterior.theory, structure).items()
        for name in names
    }
    known = parameter_draws(posterior, conduct)
    scaled = _power(posterior, conduct, known) if power else None
    rows = []
    for name, (p, values) in known.items():
        prior_sd = float(np.asarray(p.prior.std()))
        for index in np.ndindex(values.shape[1:]):
            labels = [structure.coords[d][i] for d, i in zip(p.dims, index, strict=True)]
            label = name + (f"[{', '.join(labels)}]" if labels else "")
            sd = float(values[:, *index].std(ddof=1))
            told = [np.nan, np.nan]
            if scaled is not None:
                told = [float(scaled[group][name][index]) for group in ("prior", "likelihood")]
            rows.append(Contracted(label, home[name], prior_sd, sd, *told))
    return tuple(rows)


def _power(
    posterior: Posterior,
    conduct: Conduct | None,
    known: dict[str, tuple[Parameter, NDArray[np.float64]]],
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return the power-scaling sensitivity of every parameter, from ArviZ."""
    import arviz as az
    import xarray as xr

    from beliefs.inference.sensitivity import summed

    chains = int(posterior.tree["posterior"].sizes["chain"])
    of_conduct = set() if conduct is None else set(conduct.posterior)
    densities = [{g: summed(posterior.tree, f"log_{g}") for g in ("prior", "likelihood")}]
    if conduct is not None:
        densities.append({"prior": conduct.log_prior, "likelihood": conduct.log_likelihood})
    out: dict[str, dict[str, NDArray[np.float64]]] = {"prior": {}, "likelihood": {}}
    for acts, density in enumerate(densities):
        names = [n for n in known if (n in of_conduct) == bool(acts)]
        if not names:
            continue
        variables = {}
        for n in names:
            values = known[n][1]
            dims = ("chain", "draw", *(f"{n}_{k}" for k in range(values.ndim - 1)))
            variables[n] = (dims, values.reshape(chains, -1, *values.shape[1:]))
        tree = {"posterior": xr.Dataset(variables)}
        for group, total in density.items():
            part = total.reshape(chains, -1)
            tree[f"log_{group}"] = xr.Dataset({"total": (("chain", "draw"), part)})
        data = xr.DataTree.from_dict(tree)
        for group in density:
            found = az.psense(data, group=group)
            for n in names:
                out[group][n] = np.asarray(found[n].values, dtype=float)
    return out
