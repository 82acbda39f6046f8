"""A made-up study in which every observable of actions occurs, and what equations make of it."""

from dataclasses import fields

import numpy as np

from beliefs.features.inputs import SHAPES, Observed
from beliefs.model import system
from beliefs.model.structure import PHASES, Structure
from beliefs.model.theory import declared
from beliefs.study.tables.codebook import CONFLICT_PHASES

COUNTS = {
    "breach_own": 0.4, "breach_other": 0.4, "zone_count": 0.7, "spoiler_open": 0.3,
    "concession_broken": 0.5, "reply_yes": 0.3, "reply_no": 0.5, "excluded_count": 0.5,
    "peripheral_count": 0.6, "scope_live": 3.0,
}  # fmt: skip
ONCE = {
    "provoked": 0.5, "disobeyed": 0.2, "breach": 0.2, "at_deadline": 0.2, "has_deadline": 0.6,
    "quiet_passed": 0.5, "hotline": 0.4, "zone_rule": 0.4, "zone_near": 0.4, "concession": 0.3,
    "walkout": 0.1, "sanction": 0.1, "talks_recent": 0.4, "calm": 0.5, "deal": 0.1, "talks": 0.3,
    "deadline_now": 0.1, "truce": 0.5, "quiet": 0.4, "hardline": 0.3, "mediator": 0.3,
    "announced": 0.3, "waiver": 0.2,
}  # fmt: skip
SHARES = (
    "pause", "walkout_fresh", "deal_near", "agenda_share", "mediator_old", "hinge", "proxy_attack",
    "government_changed", "p_lag",
)  # fmt: skip
REALS = ("pressure_home", "severity_log", "provocation", "surplus_lag")
POSITIVE = ("breaches_past", "own_recent", "heavy", "power_shift", "round_number", "spell_age")
SEEN = {
    "strikes_seen": 0.9, "truce_seen": 0.5, "ends_seen": 0.5, "concession_seen": 0.8,
    "sanction_seen": 0.8, "walkout_at_risk": 0.6, "conflict_phase_seen": 0.9, "command_seen": 0.9,
    "excluded_seen": 0.9, "peripheral_seen": 0.9, "deal_seen": 0.9, "zone_seen": 0.9,
}  # fmt: skip


def structure(n_time=60, step_weeks=1.0 / 7.0):
    """Two sides, two ways of counting, three zones."""
    return Structure(
        ("red", "blue"), step_weeks, n_time, *((),) * 6,
        endurance=(True, True), instruments=("record", "digest"), zones=("north", "south", "sea"),
    )  # fmt: skip


def columns(structure, rng):
    """Columns of actions in which everything happens, without any order."""
    t = structure.n_time
    axes = {"side": 2, "severity": 5, "scope": 2, "zone": len(structure.zones)}

    def shape(name):
        return (*(axes[d] for d in SHAPES.get(name, ())), t)

    out = {name: rng.poisson(rate, shape(name)).astype(float) for name, rate in COUNTS.items()}
    out |= {name: (rng.random(shape(name)) < p) * 1.0 for name, p in (ONCE | SEEN).items()}
    out |= {name: rng.random(shape(name)) for name in SHARES if name != "p_lag"}
    out |= {name: 0.5 * rng.normal(size=shape(name)) for name in REALS}
    out |= {name: rng.gamma(1.0, 0.5, shape(name)) for name in POSITIVE}
    out["strike_by_severity"] = rng.poisson(0.15, (2, 5, t)).astype(float)
    out["warned_by_severity"] = rng.binomial(out["strike_by_severity"].astype(int), 0.3) * 1.0
    out["strike_count"] = out["strike_by_severity"].sum(axis=1)
    out["line_touch"] = rng.binomial(out["strike_count"].astype(int), 0.6) * 1.0
    out["line_cross"] = rng.binomial(out["line_touch"].astype(int), 0.2) * 1.0
    out["provoked"] *= out["strike_count"] > 0
    out["severity_log"] *= out["strike_count"] > 0
    out["scope_ended"] = rng.binomial(out["scope_live"].astype(int), 0.2) * 1.0
    out["truce_age"] = np.cumsum(out["ends_seen"]) * np.maximum(out["truce_seen"], out["ends_seen"])
    out["truce_end"] = rng.choice(3, t, p=(0.8, 0.1, 0.1)) * out["ends_seen"]
    out["end_kind"] = rng.integers(1, 5, t) * (out["truce_end"] == 2.0)
    signed = (rng.random(t) < 0.5) * out["deal"]
    out |= {"deal_signed": signed, "deal_unsigned": out["deal"] - signed}
    one_hot = {"phase_on": len(PHASES), "conflict_phase_on": len(CONFLICT_PHASES)}
    for name, n in one_hot.items():
        out[name] = 1.0 * (np.arange(n)[:, None] == rng.integers(0, n, t))
    out["conflict_phase_on"] = out["conflict_phase_on"] * out["conflict_phase_seen"]
    out["instrument_on"] = 1.0 * (rng.random((len(structure.instruments) - 1, t)) < 0.4)
    out["p_lag"] = rng.random((2, t))
    out["p_lag_min"] = out["p_lag"].min(axis=0)
    out["talks_previous"] = np.concatenate([[0.0], out["talks"][:-1]])
    out["talks_before"] = rng.random(t)
    out |= {"active": np.ones(t), "talks_seen": np.ones(t), "pressure": 1.0 - out["talks"]}
    no_columns = {"instrument", "conflict_phase"}
    missing = {f.name for f in fields(Observed)} - no_columns - set(out)
    assert not missing, f"no observation of {sorted(missing)}"
    return out


def parameters_of(mechanism, structure):
    """Parameters that a mechanism declares."""
    return [p for name, p in declared(structure, None).values() if name == mechanism]


def prior_draws(parameters, structure, number, rng):
    """Draws of parameters from their priors, (number, ...) each."""
    return {
        p.name: np.asarray(p.prior.rvs(size=(number, *structure.size(p.dims)), random_state=rng))
        for p in parameters
    }


def graph(symbols, found, total, optimizer):
    """Call a PyTensor graph: values of symbols by name -> (outputs, gradients of a total) by name.

    Python objects run it: compiling machine code would take longer than all calls.
    """
    import pytensor
    from pytensor.compile.mode import Mode

    slopes = pytensor.grad(total, list(symbols.values()))
    function = pytensor.function(
        list(symbols.values()), [*found.values(), *slopes], mode=Mode("py", optimizer)
    )

    def call(values):
        out = function(*(values[name] for name in symbols))
        return (
            dict(zip(found, out, strict=False)),
            dict(zip(symbols, out[len(found) :], strict=True)),
        )

    return call


def agree(found, expected, slopes, number):
    """Hold the outputs of a graph against those of NumPy; return which gradients are not zero."""
    assert set(found) == set(expected)
    for name, values in found.items():
        words = f"{name} of draw {number}"
        np.testing.assert_allclose(values, expected[name], rtol=1e-10, atol=1e-10, err_msg=words)
    for name, values in slopes.items():
        assert np.isfinite(values).all(), f"{name} of draw {number}: {values}"
    return {name for name, values in slopes.items() if np.any(values != 0)}


def nothing(of, *ones, **values):
    """Columns in which nothing happens; 1 in the columns `ones`."""
    seen = columns(of, np.random.default_rng(0))
    zero = {name: np.zeros_like(v) for name, v in seen.items()}
    return zero | {name: zero[name] + 1.0 for name in ones} | values


def outputs(case, params, columns=None, start=None):
    """Everything the system computes from one draw."""
    return computed(np, params, case.columns if columns is None else columns, case.structure, start)


def computed(xp, params, columns, structure, start=None):
    """Everything the system computes: with NumPy numbers, with PyTensor their graph."""
    run = system.evaluate(xp, params, columns, structure, start)
    logs = system.log_likelihoods(xp, params, columns, structure, run)
    names = "logit_belief", "audience", "surplus", "onset", "continuation"
    found = {name: getattr(run, name) for name in names}
    return found | {f"log_{name}": logs[name] for name in ("talks", "reading")}
