"""A study with a part of every kind, and posteriors of it without any sampling.

`small_posterior` sends prior draws through the package's own functions: what comes after the
sampler can then be tested in a second, with a check that passes because the draws are independent.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from make_study import TOML, event, event_rows, write_study

from beliefs import build_inputs, load_study, load_theory
from beliefs.inference.diagnose import Report, diagnose
from beliefs.inference.posterior import Posterior, draw_prior, draws_tree
from beliefs.model.structure import structure_of

PASSED = Report(
    passed=True, r_hat=1.004, ess=812.0, worst="rival_persistence", divergent_share=0.0,
    e_bfmi=0.71, failures=(),
    table=({"name": "rival_persistence", "r_hat": 1.004, "ess_bulk": 812.0, "ess_tail": 900.0},),
)  # fmt: skip
FAILED = replace(
    PASSED,
    passed=False,
    r_hat=1.234,
    failures=("R-hat of rival_persistence is 1.234, limit 1.01: longer",),
)
_PUBLIC = """
[[channels]]
id = "public"
bias = "public"

[crack]
"""
_ESCALATION = """
[[shocks]]
id = "raid"
date = 2026-02-20
kind = "escalation"
label = "Raid"
"""


def rich_study(folder: Path) -> Path:
    """Write the small study of `make_study` with words, mediation, plans and an escalation."""
    more = [
        event("P1", 9, kind="hardline_statement", severity="", channel="public", signal=1.5),
        event(
            "P2", 21, initiator="north", kind="threat", severity="", channel="public", signal=0.5
        ),
        event("P3", 38, initiator="mediator", kind="mediation", severity="", channel="private"),
        event("P4", 33, initiator="south", kind="talks_announced", severity="", channel="public"),
    ]
    toml = TOML.replace("\n[crack]\n", _PUBLIC, 1) + _ESCALATION
    return write_study(folder, toml=toml, events=[*event_rows(), *more])


def small_posterior(
    folder: Path,
    theory: str = "mutual_optimism",
    *,
    size: tuple[int, int] = (4, 300),
    as_of: str | None = None,
    report: Report | None = None,
) -> Posterior:
    """Return a posterior whose draws come from the prior, really checked unless a report is given.

    The check takes a second: where nothing is asked of it, `PASSED` or `FAILED` stands for it.
    """
    study, chosen = load_study(folder, as_of=as_of), load_theory(theory)
    inputs = build_inputs(study)
    rng = np.random.default_rng(7)
    draws = draw_prior(chosen, structure_of(inputs), rng, size)
    stats = {
        "diverging": np.zeros(size, dtype=bool),
        "energy": rng.normal(size=size),
        "n_steps": np.full(size, 7),
        "step_size": np.full(size, 0.5),
    }
    tree = draws_tree(study, inputs, chosen, draws, stats)
    report = report or diagnose(tree)
    return Posterior(study, inputs, chosen, tree, report, seed=3, timings={"sample": 0.0})
