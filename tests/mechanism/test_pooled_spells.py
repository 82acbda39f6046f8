"""The spells behind pooled base rates, with lifelines as oracle for hazards that pool nothing."""

import csv
import datetime as dt
import shutil

import numpy as np
import pytest
import spells as module
from lifelines import AalenJohansenFitter, PiecewiseExponentialFitter
from spells import crisis_spells, left_out, talk_spells

from beliefs.model.pooled import AGE_BINS, PooledHazard, incidence
from beliefs.study.bundled import data_folder, list_studies
from beliefs.study.load import load_study

OWN_WARS, OWN_SPAN = left_out()
EDGES = AGE_BINS[1:-1]
ALL = {
    "talks": talk_spells(),
    "agreement": crisis_spells("agreement"),
    "other_end": crisis_spells("other_end"),
}


def rates(spells):
    """Events per day at risk by bin of age, nothing pooled."""
    at_end = np.eye(len(AGE_BINS) - 1)[spells.bin] * spells.event[:, None]
    return at_end.sum(axis=0) / spells.exposure.sum(axis=0)


def without_spread(spells):
    """The same rates as one draw of a posterior."""
    return PooledHazard(
        spells.label, (), np.zeros(0), np.log(rates(spells))[None], np.zeros((1, 0)), np.zeros(1)
    )


def test_no_spell_is_of_a_war_of_the_bundled_studies():
    assert len(ALL["talks"].names) == 49
    assert not OWN_WARS & set(ALL["talks"].names)
    with (data_folder() / "wars" / "war_talk_onsets.csv").open(encoding="utf-8") as handle:
        assert OWN_WARS < {row["war"] for row in csv.DictReader(handle)}


def test_what_came_of_the_own_wars_changes_no_spell(tmp_path, monkeypatch):
    for name in ("wars", "pooled"):
        shutil.copytree(data_folder() / name, tmp_path / name)
    table = tmp_path / "wars" / "war_talk_onsets.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith(tuple(OWN_WARS)):
            war, start, *rest = line.split(",")
            lines[number] = ",".join([war, start, "2026-06-29", start, "", "1", *rest[4:]])
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(module, "data_folder", lambda: tmp_path)
    other = talk_spells.__wrapped__()
    assert other.sha256 != ALL["talks"].sha256
    assert other.names == ALL["talks"].names
    np.testing.assert_array_equal(other.days, ALL["talks"].days)
    np.testing.assert_array_equal(other.event, ALL["talks"].event)


def test_no_crisis_began_during_a_bundled_study_of_the_united_states():
    studies = [load_study(name) for name in list_studies()]
    starts = [s.spec.period.start for s in studies if "us" in [side.id for side in s.spec.sides]]
    assert len(starts) == 2 and OWN_SPAN == min(starts)
    with (data_folder() / "crises" / "icb_crises.csv").open(encoding="utf-8") as handle:
        start = {f"crisis {row['crisis']}": row["start"] for row in csv.DictReader(handle)}
    kept = [dt.date.fromisoformat(start[name]) for name in ALL["agreement"].names]
    assert len(kept) == 398 and max(kept) < OWN_SPAN


@pytest.mark.parametrize("name", ALL)
def test_rates_by_age_are_those_of_lifelines(name):
    spells = ALL[name]
    year = 365.0  # its optimiser stops early on numbers of very different size
    # Its bins begin with their first edge, ours end with their last.
    fitter = PiecewiseExponentialFitter([edge / year for edge in EDGES])
    fitter.fit((spells.days - 1e-6) / year, spells.event)
    np.testing.assert_allclose(rates(spells), 1.0 / (fitter.params_ * year), rtol=1e-4)


def test_cumulative_incidence_of_agreement_lies_within_aalen_johansen_intervals():
    agreed, other = ALL["agreement"], ALL["other_end"]
    causes = [(without_spread(agreed), {}), (without_spread(other), {})]
    code = np.where(agreed.event, 1, 2)
    rng = np.random.default_rng(5)  # it wants no ties: break those of whole days
    days = agreed.days - 0.5 * rng.random(len(code))
    found = AalenJohansenFitter(alpha=0.05).fit(days, code, event_of_interest=1)
    band = found.confidence_interval_
    alone = incidence([causes[0]], 0.0, 365.0)[0]
    for edge in EDGES:
        p, rest = incidence(causes, 0.0, edge)
        low, high = band.loc[:edge].iloc[-1]
        assert low <= p <= high, (edge, p, low, high)
        assert p + rest < 1.0
    # One minus survival from this cause alone lets crises that ended otherwise go on to agree.
    assert alone > high + 0.05
