"""Model recovery: how often theories are told apart by studies of the size of a real one.

Studies are drawn from each theory, every theory is scored on each, and the one that foretold best
is noted: a confusion matrix. What the package's own run of it found (`scripts/model_recovery.py`)
lies in ``data/model_recovery.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.evaluation.compare import STACK, Comparison, compare
from beliefs.features.inputs import build_inputs
from beliefs.model.theory import Theory
from beliefs.simulation.studies.simulate import simulate_whole
from beliefs.study.bundled import data_folder
from beliefs.study.load import Study

__all__ = ["CONFUSED", "FILE", "RECOGNISED", "confusion", "doubts", "recover", "winner"]

FILE = "model_recovery.json"
CONFUSED = 0.25
"""Share of the studies of one theory that another one wins, from which they count as confused."""
RECOGNISED = 0.5
"""Share of its own studies below which a theory counts as not recognised."""


def recover(
    study: Study,
    truth: Theory,
    theories: Sequence[Theory],
    params: Mapping[str, NDArray[Any]],
    *,
    seed: int,
    particles: int = 400,
) -> Comparison:
    """Draw a study from a theory and compare all theories on it.

    Parameters
    ----------
    study
        Whose calendar, news and coverage the drawn study has.
    truth
        Theory that draws it.
    theories
        What is compared.
    params
        One draw of the free parameters of `truth`, innovations apart: from its posterior on the
        study (`beliefs.inference.smc.blocks.Blocks.params`) for effects of the size that it finds,
        or from
        its prior.
    seed
        Seed of everything random here.
    particles
        Number of particles of each block.
    """
    inputs = build_inputs(study)
    rng = np.random.default_rng([seed, 1])
    draws = dict(params)
    if truth.beliefs:
        draws["innovation"] = rng.standard_normal((2, len(inputs.dates)))
    drawn, _ = simulate_whole(inputs, truth, draws, rng)
    return compare(study, theories, seed=seed, particles=particles, inputs=drawn)


def winner(comparison: Comparison) -> str:
    """Return the id of the theory that foretold best, the stack apart."""
    return next(row.id for row in comparison.table if row.id != STACK)


def confusion(winners: Mapping[str, Sequence[str]], ids: Sequence[str]) -> NDArray[np.float64]:
    """Return shares (truth, winner).

    Parameters
    ----------
    winners
        By the theory that drew them: ids of the theories that won each study.
    ids
        Order of rows and columns.
    """
    out = np.zeros((len(ids), len(ids)))
    for i, truth in enumerate(ids):
        won = list(winners.get(truth, ()))
        for j, name in enumerate(ids):
            out[i, j] = won.count(name) / max(len(won), 1)
    return out


def doubts(ids: Sequence[str]) -> list[str]:
    """Return, in words, which theories a study of real size confuses with others.

    Named is a theory that wins less than `RECOGNISED` of the studies drawn from it, or of whose
    studies another one wins `CONFUSED` or more.

    Parameters
    ----------
    ids
        Theories that are asked about.
    """
    file = data_folder() / FILE
    if not file.is_file():
        return []
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    known, matrix = found["theories"], np.asarray(found["confusion"])
    out = []
    for i, truth in enumerate(known):
        rivals = [
            j for j, other in enumerate(known)
            if j != i and other in ids and matrix[i, j] >= CONFUSED
        ]  # fmt: skip
        if truth not in ids or not (rivals or matrix[i, i] < RECOGNISED):
            continue
        shares = [f"{matrix[i, j]:.0%} by {known[j]}" for j in rivals]
        out.append(
            f"Of {found['studies'][truth]} studies drawn from {truth} at the size of "
            f"{found['study']}, {matrix[i, i]:.0%} are foretold best by {truth} itself"
            + (", " + ", ".join(shares) if shares else "")
            + "."
        )
    return out
