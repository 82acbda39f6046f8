"""Years before 1678, which nanoseconds do not reach, go through to the report like any other."""

import datetime as dt

import numpy as np
import pytest
from evidence import summarise_backtests
from make_study import write_study
from posteriors import small_posterior

from beliefs.evaluation.backtest.backtest import backtest
from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.inference.smc.track import track
from beliefs.model.theory import load_theory
from beliefs.records.evaluations import rescore, save_backtest
from beliefs.records.files import content_hash
from beliefs.records.ledger.register import entry_of, read_ledger, register
from beliefs.records.ledger.resolve import resolve
from beliefs.records.run import load_run, load_track, save_run
from beliefs.reporting.report import write_report
from beliefs.study.load import load_study

BACK = 408  # years, so that 2026 is 1618


@pytest.fixture(scope="module")
def early(rich_folder, tmp_path_factory):
    """The small study, 408 years earlier."""
    folder = write_study(tmp_path_factory.mktemp("early") / "small")
    for name in (p.name for p in rich_folder.iterdir()):
        text = (rich_folder / name).read_text()
        for year in (2025, 2026):
            text = text.replace(f"{year}-", f"{year - BACK}-")
        (folder / name).write_text(text)
    return folder


def test_a_run_goes_through_to_report_and_ledger(early, tmp_path):
    posterior = small_posterior(early)
    futures = forecast(posterior, 35, seed=5)
    summary = summarise(futures)
    assert summary["origin"] == "1618-03-01" and summary["targets"][0]["by"] == "1618-03-08"
    out = save_run(
        tmp_path / "run", posterior, forecast=futures, summary=summary, settings={},
        report=lambda path, manifest: write_report(futures, summary, path, manifest),
    )  # fmt: skip
    back = load_run(out)
    assert content_hash(back.tree) == content_hash(posterior.tree)
    assert str(back.tree["posterior"]["time"].values[-1])[:10] == "1618-03-01"
    assert "1618" in (out / "report.html").read_text()
    register(tmp_path / "ledger", entry_of(out))
    assert not resolve(tmp_path / "ledger", studies=(early,)).added  # all beyond its period
    (line,) = read_ledger(tmp_path / "ledger").forecasts.values()
    assert line.as_of == dt.date(1618, 3, 1)


def test_a_track_of_an_early_year_is_read_back_with_every_bit(early, tmp_path):
    found = track(load_study(early), load_theory("base_rate"), particles=100, seed=4)
    back = load_track(save_run(tmp_path / "run", found))
    assert content_hash(back.to_tree()) == content_hash(found.to_tree())
    assert str(back.at("1618-02-01").origin) == "1618-02-01"


def test_a_backtest_of_an_early_year_is_scored_saved_and_summed_up(early, tmp_path):
    study, theories = load_study(early), [load_theory("M0")]
    settings = {"every": 7, "horizons": (7,), "particles": 100, "draws": 50, "seed": 1}
    found = backtest(study, theories, **settings)
    assert len(found.scores) and str(found.frame.origins[0]).startswith("1618")
    out = save_backtest(tmp_path / "backtest", found, study)
    again, _ = rescore(out)
    np.testing.assert_array_equal(again.frame.when, found.frame.when)
    assert again.frame.origins.tolist() == found.frame.origins.tolist()
    assert len(summarise_backtests([out])[0].skill) == len(found.skill)
