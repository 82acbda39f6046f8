"""Convergence checks, which decide whether a forecast may be made from a posterior (MODEL 6)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from beliefs.errors import counted
from beliefs.inference.smc.particles import Floats, distinct, effective_size, normalised

RELIABLE = 0.7
"""Pareto k beyond which the estimates of weighted means settle too slowly to be trusted."""
FEWEST = 5  # weights of a tail that can be fitted
# What may never vary, such as the audience cost of a side that used no hard words.
_DERIVED = ("logit_belief", "audience", "surplus")
_BEYOND_R_HAT = 9999.0
_TOO_SHORT = ("R-hat of ", "ESS of ")  # how failures begin that longer chains may fix


@dataclass(frozen=True)
class Limits:
    """Limits of chains, of effective draws and different particles, and of the weights' tail."""

    r_hat: float = 1.01
    ess: float = 400.0
    divergent_share: float = 0.001
    e_bfmi: float = 0.3
    distinct: int = 400
    pareto_k: float = RELIABLE


@dataclass(frozen=True)
class Report:
    """What the convergence check found."""

    passed: bool  # whether every limit holds
    # Worst rank-normalised split R-hat, and smallest of bulk and tail effective sample size, over
    # every parameter, both beliefs at every period and the surplus.
    r_hat: float
    ess: float
    worst: str  # name of the quantity with the smallest ESS
    divergent_share: float  # of transitions
    e_bfmi: float  # smallest energy fraction over chains
    failures: tuple[str, ...]  # one sentence per broken limit
    # "chains", or "particles" of a track, of which R-hat, divergences and E-BFMI say nothing.
    kind: str = "chains"
    pareto_k: float | None = None  # tail shape of particle weights; None for chains
    # One row (dict) per parameter: name, r_hat, ess_bulk, ess_tail. Empty for chains of a run
    # folder, whose manifest keeps the rest: `diagnose` measures them again.
    table: tuple[dict[str, Any], ...] = ()

    @property
    def too_short(self) -> bool:
        """Whether R-hat or ESS broke a limit and nothing else did: longer chains may pass."""
        return not self.passed and all(f.startswith(_TOO_SHORT) for f in self.failures)

    @property
    def fix(self) -> str:
        """What may help where the check failed, as the parts of an error are written."""
        if self.kind == "particles":
            return "track with more --particles"
        longer = "sample longer (`beliefs fit` with more --draws, --tune), or "
        return (longer if self.too_short else "") + (
            "follow the study with `beliefs track` (`beliefs.track` in Python), which "
            "samples no chains and has a convergence check of its own"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report without its table, for JSON."""
        out: dict[str, Any] = {
            "passed": self.passed,
            # JSON has no infinite numbers, and none that is no number.
            "r_hat": round(self.r_hat, 4) if np.isfinite(self.r_hat) else _BEYOND_R_HAT,
            "ess": round(self.ess, 1),
            "worst": self.worst,
            "divergent_share": self.divergent_share,
            "e_bfmi": round(self.e_bfmi, 3) if np.isfinite(self.e_bfmi) else 0.0,
            "failures": list(self.failures),
            "kind": self.kind,
        }
        if self.pareto_k is not None:
            finite = np.clip(np.nan_to_num(self.pareto_k, nan=99.0), -9.0, 99.0)
            out["pareto_k"] = round(float(finite), 3)
        return out


def diagnose(tree: Any) -> Report:
    """Check a posterior, a DataTree with ``posterior`` and ``sample_stats``, against limits."""
    import arviz as az  # slow to load, and a track is checked without

    limits = Limits()
    posterior = tree["posterior"].to_dataset()
    finite = [n for n in posterior.data_vars if np.isfinite(posterior[n].values).all()]
    # Sentences on quantities that have no diagnostics.
    broken = [f"{n} has draws that are not finite" for n in posterior.data_vars if n not in finite]
    measured: dict[str, Any] = {}
    if finite:
        with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 where one never varies
            measured = {
                "r_hat": az.rhat(posterior[finite]),
                "ess_bulk": az.ess(posterior[finite], method="bulk"),
                "ess_tail": az.ess(posterior[finite], method="tail"),
            }
    rows: list[dict[str, Any]] = []
    for name in finite:
        values = {k: np.asarray(v[name].values, dtype=float) for k, v in measured.items()}
        static = np.ptp(posterior[name].values, axis=(0, 1)) == 0
        if static.any() and name not in _DERIVED:
            broken.append(f"{name} never varies in {static.sum()} of {static.size} elements")
        known = np.logical_and.reduce([np.isfinite(v) for v in values.values()])
        if not (known | static).all():
            broken.append(f"{name} has elements without diagnostics: a chain may be stuck")
        if (known & ~static).any():
            worst_of = {"r_hat": np.max, "ess_bulk": np.min, "ess_tail": np.min}
            of = {k: float(worst_of[k](v[known & ~static])) for k, v in values.items()}
            rows.append({"name": str(name), **of})
    judged = bool(rows)
    if not judged:
        broken.append("R-hat and ESS are known of no quantity")
        rows.append({"name": "every quantity", "r_hat": np.inf, "ess_bulk": 0.0, "ess_tail": 0.0})
    stats = tree["sample_stats"].to_dataset()
    divergent = float(stats["diverging"].mean())
    energy = np.asarray(stats["energy"].values)
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant energy fails below
        e_bfmi = float(np.min((np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1)))
    worst = min(rows, key=lambda row: min(row["ess_bulk"], row["ess_tail"]))
    ess = min(worst["ess_bulk"], worst["ess_tail"])
    worst_r = max(rows, key=lambda row: row["r_hat"])
    failures = []
    if judged and not worst_r["r_hat"] <= limits.r_hat:
        failures = [f"R-hat of {worst_r['name']} is {worst_r['r_hat']:.4f}, limit {limits.r_hat}"]
    if judged and not ess >= limits.ess:
        failures.append(f"ESS of {worst['name']} is {ess:.0f}, limit {limits.ess:.0f}")
    failures += broken
    if not divergent <= limits.divergent_share:
        failures.append(
            f"{divergent:.2%} of transitions diverged, limit {limits.divergent_share:.1%}: "
            "a prior may let a scale reach 0"
        )
    if not e_bfmi >= limits.e_bfmi:
        failures.append(
            f"E-BFMI is {e_bfmi:.2f}, limit {limits.e_bfmi}: heavy tails, change the parameters"
        )
    return Report(
        passed=not failures, r_hat=worst_r["r_hat"], ess=ess, worst=worst["name"],
        divergent_share=divergent, e_bfmi=e_bfmi, failures=tuple(failures), table=tuple(rows),
    )  # fmt: skip


def pareto_k(log_weights: Floats) -> float:
    """Return the k-hat of Pareto-smoothed importance sampling: how heavy the tail of weights is.

    The shape of the generalised Pareto distribution that fits the largest of the log weights (N,),
    not normalised. Below 0.5 weights have a variance, beyond `RELIABLE` their means cannot be
    relied on. -inf where all are equal, as after a resampling; inf where no tail can be fitted.
    Vehtari, Simpson, Gelman, Yao and Gabry (2024), https://jmlr.org/papers/v25/19-556.html, with
    the estimator of Zhang and Stephens (2009). `arviz_stats` has the same in `psislw`, but half of
    the time in which a track takes in a day would be its import.
    """
    n = len(log_weights)
    if n == 0 or np.ptp(log_weights) == 0.0:
        return -np.inf
    size = int(3.0 * np.sqrt(n)) if n > 225 else n // 5
    weights = np.exp(np.sort(log_weights) - np.max(log_weights))
    tail = weights[n - size :] - weights[n - size - 1]
    if size < FEWEST or (quarter := tail[int(size / 4.0 + 0.5) - 1]) <= tail[0]:
        return np.inf
    grid = 30 + int(np.sqrt(size))
    b = 1.0 - np.sqrt(grid / (np.arange(grid) + 0.5))
    b = b / (3.0 * quarter) + 1.0 / tail[-1]
    k = np.log1p(-b[:, None] * tail).mean(axis=1)
    likely = normalised(size * (np.log(-b / k) - k - 1.0))
    likely = np.where(likely >= 10.0 * np.finfo(float).eps, likely, 0.0)
    k_tail = np.log1p(-np.sum(likely * b) / likely.sum() * tail).mean()
    return float((size * k_tail + 5.0) / (size + 10.0))  # a prior at 0.5 steadies short tails


def particle_report(log_weights: Floats, scores: Floats, capped: int) -> Report:
    """Check weighted particles (N, d); the number of moves ended `capped` rejuvenations."""
    limits = Limits()
    ess, tail, count = effective_size(log_weights), pareto_k(log_weights), distinct(scores)
    failures = []
    if not ess >= limits.ess:
        failures.append(f"{ess:.0f} effective particles, limit {limits.ess:.0f}")
    if not count >= limits.distinct:
        failures.append(f"{counted(count, 'different particle')}, limit {limits.distinct}")
    if not tail <= limits.pareto_k:
        failures.append(
            f"Pareto k of the weights is {tail:.2f}, limit {limits.pareto_k}: few particles carry "
            "the posterior"
        )
    row = {"name": "particles", "ess": ess, "distinct": count, "pareto_k": tail}
    # The names under which a report shows what it judges.
    row |= {"r_hat": 1.0, "ess_bulk": ess, "ess_tail": float(count), "capped_moves": capped}
    return Report(
        passed=not failures, r_hat=1.0, ess=min(ess, float(count)), worst="particles",
        divergent_share=0.0, e_bfmi=1.0, failures=tuple(failures), table=(row,), kind="particles",
        pareto_k=tail,
    )  # fmt: skip
