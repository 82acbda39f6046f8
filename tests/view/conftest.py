"""Small posteriors and forecasts without sampling: prior draws through the real functions."""

from functools import cache

import matplotlib
import pytest
from posteriors import FAILED, PASSED, small_posterior

from beliefs import forecast, new_study, summarise

matplotlib.use("Agg")

SPLIT = ("# split_by_regime = true ", "split_by_regime = true ")
HINDCAST = ("hindcast = false ", "hindcast = true ")
FREE_TEXTS = (
    "North and South, a made-up dispute", "North", "Southern crowns per Northern mark",
    "Border clashes", "New cabinet in the South",
)  # fmt: skip


def posterior_of(folder, *changes, report=PASSED):
    """Prior draws on the template study, with texts in its study.toml replaced."""
    toml = new_study(folder / "mine") / "study.toml"
    text = toml.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    toml.write_text(text, encoding="utf-8")
    return small_posterior(toml.parent, size=(2, 100), report=report)


def ahead(posterior):
    """Futures of five weeks."""
    return forecast(posterior, 35, seed=5, allow_failed=True, actions=False)


@pytest.fixture(scope="session")
def posterior(tmp_path_factory):
    return posterior_of(tmp_path_factory.mktemp("m1"), SPLIT)


@pytest.fixture(scope="session")
def futures(posterior):
    return ahead(posterior)


@pytest.fixture(scope="session")
def summary(futures):
    return summarise(futures)


@pytest.fixture(scope="session")
def failed_futures(tmp_path_factory):
    return ahead(posterior_of(tmp_path_factory.mktemp("failed"), HINDCAST, report=FAILED))


@pytest.fixture(scope="session")
def hostile_futures(tmp_path_factory):
    """A maker of forecasts whose study carries one hostile text in every free field."""

    @cache
    def make(text):
        quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        changes = [(f'"{old}"', quoted) for old in FREE_TEXTS]
        made = posterior_of(tmp_path_factory.mktemp("hostile"), *changes)
        sources = f"# {text}\n\n| a | b |\n|---|---|\n| {text} | c |\n"
        (made.study.path / "SOURCES.md").write_text(sources)
        return ahead(made)

    return make
