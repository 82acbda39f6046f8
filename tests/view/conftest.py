"""Small posteriors and forecasts without sampling: prior draws through the real functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from posteriors import small_posterior

from beliefs.forecasting.forecast import Forecast, forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.diagnose import Report
from beliefs.inference.posterior import Posterior
from beliefs.study.bundled import new_study

matplotlib.use("Agg")

HORIZON = 35


def make_posterior(folder: Path, theory: str = "mutual_optimism", *, ok: bool = True) -> Posterior:
    """Return a posterior whose draws come from the prior, with convergence checks as wanted."""
    report = Report(
        passed=ok,
        r_hat=1.004 if ok else 1.234,
        ess=812.0 if ok else 37.0,
        worst="psi",
        divergent_share=0.0,
        e_bfmi=0.71,
        failures=() if ok else ("R-hat of psi is 1.234, limit 1.01: sample longer",),
        table=({"name": "psi", "r_hat": 1.004, "ess_bulk": 812.0, "ess_tail": 900.0},),
    )
    return replace(small_posterior(folder, theory, size=(2, 100)), report=report)


def make_forecast(posterior: Posterior) -> Forecast:
    """Return futures of the posterior, five weeks ahead."""
    return forecast(posterior, HORIZON, seed=5, allow_failed=True, actions=False)


def edited_study(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the template study with texts in its study.toml replaced."""
    path = new_study(folder)
    toml = path / "study.toml"
    text = toml.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    toml.write_text(text, encoding="utf-8")
    return path


SPLIT = ("# split_by_regime = true ", "split_by_regime = true ")


@pytest.fixture(scope="session")
def posterior(tmp_path_factory: pytest.TempPathFactory) -> Posterior:
    return make_posterior(edited_study(tmp_path_factory.mktemp("m1") / "mine", SPLIT))


@pytest.fixture(scope="session")
def futures(posterior: Posterior) -> Forecast:
    return make_forecast(posterior)


@pytest.fixture(scope="session")
def summary(futures: Forecast) -> dict[str, Any]:
    return summarise(futures)


@pytest.fixture(scope="session")
def base_rate_futures(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    folder = edited_study(tmp_path_factory.mktemp("m0") / "mine")
    return make_forecast(make_posterior(folder, "base_rate"))


@pytest.fixture(scope="session")
def failed_futures(tmp_path_factory: pytest.TempPathFactory) -> Forecast:
    changes = (("hindcast = false ", "hindcast = true "),)
    folder = edited_study(tmp_path_factory.mktemp("failed") / "mine", *changes)
    return make_forecast(make_posterior(folder, ok=False))


@pytest.fixture(scope="session")
def hostile_futures(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Forecast]:
    """Return a maker of forecasts whose study carries one hostile text in every free field."""

    @cache
    def make(text: str) -> Forecast:
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        folder = edited_study(
            tmp_path_factory.mktemp("hostile") / "mine",
            *(
                (f'"{old}"', quoted)
                for old in (
                    "North and South, a made-up dispute",
                    "North",
                    "Southern crowns per Northern mark",
                    "Border clashes",
                    "New cabinet in the South",
                )
            ),
        )
        (folder / "SOURCES.md").write_text(f"# {text}\n\n| a | b |\n|---|---|\n| {text} | c |\n")
        return make_forecast(make_posterior(folder))

    return make
