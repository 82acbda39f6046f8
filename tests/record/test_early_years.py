"""Years before 1678, which nanoseconds do not reach, go through to the report like any other."""

import datetime as dt

import pytest
from make_study import write_study
from posteriors import FAILED, small_posterior

from beliefs.forecasting.forecast import forecast
from beliefs.forecasting.summary import summarise
from beliefs.records.files import content_hash
from beliefs.records.ledger.register import entry_of, read_ledger, register
from beliefs.records.ledger.resolve import resolve
from beliefs.records.run import load_run, save_run
from beliefs.reporting.report import write_report

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
    posterior = small_posterior(early, size=(2, 50), report=FAILED)
    futures = forecast(posterior, 8, seed=5, allow_failed=True)
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
    register(tmp_path / "ledger", entry_of(out, allow_failed=True))
    assert not resolve(tmp_path / "ledger", studies=(early,)).added  # all beyond its period
    (line,) = read_ledger(tmp_path / "ledger").forecasts.values()
    assert line.as_of == dt.date(1618, 3, 1)
