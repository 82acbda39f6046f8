"""A whole study drawn from a theory: made-up evidence, then readings and talks from the model.

The folder is written, loaded as any other, and its inputs are what was drawn:
evidence first, because surprises depend on it alone; then beliefs, readings and talks from the very
columns that the loaded study gives.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beliefs.features.inputs import Inputs, build_inputs
from beliefs.features.surprises import SHARE_BOUNDS
from beliefs.inference.posterior import draw_prior
from beliefs.model.contract import logistic
from beliefs.model.structure import Columns, structure_of
from beliefs.model.theory import Theory, free_parameters, theory_of
from beliefs.simulation.studies import Truth, simulate_belief_block, simulate_observed
from beliefs.study.dates import Grid
from beliefs.study.load import Study, load_study
from beliefs.study.spec import StudySpec
from beliefs.study.specfile import read_spec
from beliefs.study.tables.rows import TABLES
from beliefs.study.writefile import write_file

__all__ = ["FORMAT", "draw_design", "simulate_study", "simulate_whole"]

FORMAT = 1
HISTORY = 60
"""Days before the period, from which expectations are learnt."""
SPOKEN = {"anchor": 0.4, "private": 0.1, "public": 0.2}
"""Share of days on which a side is observed, by the channel's kind of bias."""
EVERY = 4
"""Days from one value of a series to the next."""
STRIKES = {"none": 0.15, "talks": 0.1, "truce": 0.2, "war": 1.0}
"""Strikes of a side per day, by regime kind."""
SEVERITY = (0.3, 0.35, 0.2, 0.1, 0.05)
HARDLINE, MEDIATION = 0.2, 0.06
DIGITS = 12

Row = tuple[object, ...]


@dataclass(frozen=True)
class _Rows:
    """Rows of the three tables, before any reading or talk is drawn."""

    series: list[Row]
    events: list[Row]
    talks: list[Row]


def simulate_whole(
    inputs: Inputs, theory: Theory, params: Columns, rng: np.random.Generator
) -> tuple[Inputs, Truth | None]:
    """Draw readings, talks and actions anew; the truth is None under a theory without beliefs."""
    names = {p.name for p in free_parameters(theory, structure_of(inputs))}
    mine = {k: v for k, v in params.items() if k in names}
    inputs, truth = simulate_belief_block(inputs, theory, mine, rng)
    theirs = {k: v for k, v in params.items() if k not in names}
    beliefs: Columns = {}
    if truth is not None:  # those of the period before, as actions read them
        p = logistic(np, truth.logit_belief)
        before = np.concatenate([np.full((2, 1), 0.5), p[:, :-1]], axis=-1)
        surplus = np.concatenate([[0.0], truth.surplus[:-1]])
        beliefs = {"p_lag": before, "p_lag_min": before.min(axis=0), "surplus_lag": surplus}
    return simulate_observed(inputs, theory, theirs, rng, beliefs=beliefs), truth


def simulate_study(design: Path, out: Path, theory: Theory | str | Path, *, seed: int) -> Truth:
    """Write a study folder drawn from a theory, its parameters drawn from the prior.

    Parameters
    ----------
    design
        Folder with the ``study.toml`` and ``SOURCES.md`` to use; every channel is made of series
        of shares (scale 1, not inverted), and weekly periods are refused.
    out
        Folder to write: the two files, ``indicators.csv``, ``events.csv``, ``talks.csv`` and
        ``truth.json``.
    theory
        A theory with beliefs.
    seed
        Seed of everything drawn.

    Returns
    -------
    Truth
        Also written to ``truth.json``.

    Raises
    ------
    ValueError
        If the design is weekly, or a reading is beyond what a share can say (0.5 % to 99.5 %);
        choose another seed.
    """
    theory = theory_of(theory)
    rows, placeholder = _drawn_evidence(design, out, seed)
    before = build_inputs(placeholder)
    streams = [np.random.default_rng([seed, part]) for part in (1, 2)]
    params = draw_prior(theory, structure_of(before), streams[0], ())
    drawn, truth = simulate_belief_block(before, theory, params, streams[1])
    assert truth is not None  # the theory has beliefs
    _write(out, rows, _shares(placeholder.spec, drawn), _talk_rows(drawn))
    study = load_study(out, as_of=placeholder.spec.period.end)
    _check_same(drawn, build_inputs(study))
    text = json.dumps(_truth(study, drawn, theory, truth, seed), indent=1)
    write_file(out / "truth.json", text + "\n")
    return truth


def draw_design(design: Path, out: Path, *, seed: int) -> Study:
    """Write and load a study with drawn evidence, whose readings and talks still say nothing.

    Parameters
    ----------
    design, out, seed
        As in `simulate_study`.

    Returns
    -------
    Study
        A reading of log-odds 0 stands wherever a side is observed; nobody talks.
    """
    return _drawn_evidence(design, out, seed)[1]


def _drawn_evidence(design: Path, out: Path, seed: int) -> tuple[_Rows, Study]:
    rng = np.random.default_rng([seed, 0])
    out.mkdir(parents=True, exist_ok=True)
    for name in ("study.toml", "SOURCES.md"):
        if design.resolve() != out.resolve():
            write_file(out / name, (design / name).read_bytes())
    spec, _ = read_spec(out)
    if spec.period.step != "day":
        raise ValueError("only studies by the day are simulated")
    n = spec.period.grid.n
    start = np.datetime64(spec.period.start, "D")
    grid = Grid(start - np.timedelta64(HISTORY, "D"), 1, n + HISTORY)
    shares = {s.indicator for c in spec.channels for s in c.series}
    series: list[Row] = []
    for number, indicator in enumerate(spec.indicators):
        if indicator.source == "series" and indicator.id not in shares:
            values = _series(rng, indicator.transform, grid.n)
            days = grid.dates[number % EVERY :: EVERY]
            series += [(indicator.id, d, d, v) for d, v in zip(days, values, strict=False)]
    # An offer is no talks: it only keeps the table from being empty.
    offer = ("T000", start, "", start, "none", "offer", 0, "letter", "high", "")
    rows = _Rows(series, _event_rows(rng, spec, grid), [offer])
    observed = [
        (s.indicator, d, d, 0.5)
        for c in spec.channels
        for s in c.series
        for d in (start + np.arange(n))[rng.random(n) < SPOKEN[c.bias]]
    ]
    _write(out, rows, observed, [])
    return rows, load_study(out, as_of=spec.period.end)


def _series(rng: np.random.Generator, transform: str, n: int) -> NDArray[Any]:
    """Draw a walk of prices, or counts around a mean that comes back."""
    steps = rng.standard_t(5, size=n)
    if transform == "log":
        return np.round(100.0 * np.exp(np.cumsum(0.01 * steps)), 3)
    level = np.zeros(n)
    for t in range(1, n):
        level[t] = 0.9 * level[t - 1] + 0.1 * steps[t]
    if transform == "count":
        return rng.poisson(40.0 * np.exp(level))
    return np.round(level, 4)


def _event_rows(rng: np.random.Generator, spec: StudySpec, grid: Grid) -> list[Row]:
    kind = np.full(grid.n, "none", dtype=object)
    for regime in spec.regimes:
        running = grid.dates >= np.datetime64(regime.start, "D")
        if regime.end is not None:
            running &= grid.dates <= np.datetime64(regime.end, "D")
        kind[running] = regime.kind
    rates = np.array([STRIKES[k] for k in kind])
    sides = spec.side_ids
    found: list[Row] = []

    def add(day: object, *what: object) -> None:
        who, whom, act, severity, channel = what
        found.append((day, "", day, who, whom, act, severity, channel, "", "none", 0, "other"))

    for t, day in enumerate(grid.dates):
        for who, whom in (sides, sides[::-1]):
            for severity in rng.choice(5, size=rng.poisson(rates[t]), p=SEVERITY):
                add(day, who, whom, "strike", severity + 1, "action")
            # Recording begins on the first day, with words at least.
            if t == 0 or rng.random() < HARDLINE:
                add(day, who, whom, "hardline_statement", "", "public")
        if rng.random() < MEDIATION:
            add(day, "mediator", sides[0], "mediation", "", "private")
    return [(f"E{k:04d}", *row, "high", 1, "") for k, row in enumerate(found, start=1)]


def _shares(spec: StudySpec, drawn: Inputs) -> list[Row]:
    rows: list[Row] = []
    low, high = SHARE_BOUNDS
    for c, channel in enumerate(spec.channels):
        for series in channel.series:
            said = drawn.reading[drawn.sides.index(series.side), c]
            observed = ~np.isnan(said)
            share = np.round(1.0 / (1.0 + np.exp(-said[observed])), DIGITS)
            if ((share < low) | (share > high)).any():
                raise ValueError(
                    f"a reading of {series.indicator} lies beyond what a share can say "
                    f"({low:.1%} to {high:.1%}): choose another seed"
                )
            days = drawn.dates[observed]
            rows += [(series.indicator, d, d, v) for d, v in zip(days, share, strict=True)]
    return rows


def _talk_rows(drawn: Inputs) -> list[Row]:
    return [
        (f"T{k:03d}", day, "", day, "direct", "talks", 1, "harbour", "high", "")
        for k, day in enumerate(drawn.dates[drawn.talks > 0], start=1)
    ]


def _write(out: Path, rows: _Rows, shares: Sequence[Row], talks: Sequence[Row]) -> None:
    _write_csv(out / "indicators.csv", [*rows.series, *shares])
    _write_csv(out / "events.csv", rows.events)
    _write_csv(out / "talks.csv", [*rows.talks, *talks])


def _write_csv(path: Path, rows: Iterable[Row]) -> None:
    with io.StringIO(newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(TABLES[path.name].model_fields)
        writer.writerows(rows)
        write_file(path, handle.getvalue())


_SERIES = ("surprise", "seen", "level", "level_scale", "scale", "expectation", "last")


def _check_same(drawn: Inputs, loaded: Inputs) -> None:
    """Refuse a folder that does not tell the model what was drawn, from the same evidence."""
    for name in vars(drawn):
        if name in ("seeing", "observed"):
            continue  # follow from talks and events
        a, b = getattr(drawn, name), getattr(loaded, name)
        if not isinstance(a, np.ndarray):
            same = a == b
        elif name == "reading":
            same = np.allclose(a, b, rtol=0.0, atol=1e-8, equal_nan=True)
        elif name in _SERIES:
            # Series of readings are never read as evidence, so theirs may differ.
            read = [t.indicator for t in drawn.terms] + [t.indicator for t in drawn.cost_terms]
            same = np.array_equal(a[read], b[read])
        else:
            same = np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        if not same:
            raise ValueError(f"the folder as loaded does not hold the {name} that was drawn")


def _truth(study: Study, drawn: Inputs, theory: Theory, truth: Truth, seed: int) -> dict[str, Any]:
    structure = structure_of(drawn)
    coords = structure.coords
    return {
        "format": FORMAT,
        "study": study.name,
        "study_sha256": study.sha256,
        "theory": theory.name,
        "theory_sha256": theory.sha256,
        "seed": seed,
        "parameters": {
            p.name: {
                "unit": p.unit,
                "coords": {d: coords[d] for d in p.dims},
                "value": np.round(truth.params[p.name], DIGITS).tolist(),
            }
            for p in free_parameters(theory, structure)
            if p.name != "innovation"
        },
        "dates": [str(d) for d in drawn.dates],
        "logit_belief": {
            side: np.round(truth.logit_belief[i], DIGITS).tolist()
            for i, side in enumerate(drawn.sides)
        },
        "surplus": np.round(truth.surplus, DIGITS).tolist(),
    }
