"""Holding out the gold readings of the Civil War: the machinery, whatever the result."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from holdout import HoldoutResult, holdout_readings

from beliefs.inference.nuts.model import compile_count
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.theory import load_theory
from beliefs.study.bundled import data_folder
from beliefs.study.load import load_study

pytestmark = pytest.mark.statistical

SHORT = Sampling(draws=100, tune=200, chains=2, cores=2, attempts=1)
CUT = np.datetime64("1864-02-21")


def run(folder: Path) -> HoldoutResult:
    return holdout_readings(
        load_study(folder),
        load_theory("mutual_optimism"),
        CUT,
        channel="market",
        seed=7,
        block=8,
        sampling=SHORT,
        resamples=200,
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[HoldoutResult, HoldoutResult, int]:
    """The study as it is, and a copy whose gold prices fall by a fifth after the cut."""
    real = data_folder() / "us-civil-war"
    copy = tmp_path_factory.mktemp("copy") / "us-civil-war"
    shutil.copytree(real, copy)
    with (copy / "indicators.csv").open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    for row in rows:
        if np.datetime64(row[1]) > CUT:
            row[3] = str(0.8 * float(row[3]))
    with (copy / "indicators.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([header, *rows])
    before = compile_count()
    return run(real), run(copy), compile_count() - before


def test_no_prediction_looks_at_what_it_predicts(
    results: tuple[HoldoutResult, HoldoutResult, int],
) -> None:
    for a, b in zip(results[0].scores, results[1].scores, strict=True):
        assert (a.width, a.width_walk) == (b.width, b.width_walk)
        assert a.crps != b.crps
