"""A date means the same day wherever it is given, or is refused everywhere."""

import datetime as dt
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from make_study import TOML, write_study

from beliefs import StudyError, Track, build_inputs, forecast, probability
from beliefs.evaluation.backtest.frames import origins_of
from beliefs.records.ledger.resolve import _studies
from beliefs.records.run import _grown
from beliefs.simulation.interventions import Intervention, load_interventions, parse
from beliefs.study.dates import Grid
from beliefs.study.load import load_study, read_study

SAME = [
    "2026-03-10",
    dt.date(2026, 3, 10),
    dt.datetime(2026, 3, 10, 23, 30),
    np.datetime64("2026-03-10"),
    np.datetime64("2026-03-10T23:30"),
    pd.Timestamp("2026-03-10 23:30"),
]
REFUSED = [
    dt.datetime(2026, 3, 10, tzinfo=ZoneInfo("Asia/Tehran")),
    pd.Timestamp("2026-03-10", tz="Asia/Tehran"),
    pd.NaT,
    np.datetime64("NaT", "D"),
    "2026-03-10T00:00:00+03:30",
    "2026-W11-2",
    "20260310",
    "2026-02-30",
    "1215-06-15",
    20260310,
]


@pytest.fixture
def doors(futures, tmp_path):
    """What each place that takes a date makes of it."""
    toml = TOML.replace("end = 2026-03-01", "end = 2026-04-30")
    coverage = [("2025-11-01", "2026-04-30", "dense", "digest", "")]
    longer = write_study(tmp_path / "longer", toml=toml, coverage=coverage)
    grid = Grid(np.datetime64("2026-01-05"), 1, 90)
    track = SimpleNamespace(ends=grid.last_days, inputs=SimpleNamespace(step_days=1), first=0)

    source = read_study(longer)
    inputs = build_inputs(source.known("2026-04-30"))
    before = source.known("2026-03-09")

    def origin(day):
        (found,) = inputs.ends[origins_of(inputs, 1, 1, day, day) - 1]
        return found

    def result(**more):
        return parse("here", {"kind": "waiver", "date": dt.date(2026, 3, 1), **more})

    def valued(day):
        table = {"kind": "path", "indicator": "price", "date": dt.date(2026, 3, 1)}
        (key,) = parse("here", {**table, "values": {day: 1.0}}).values
        return key

    return {
        "as of": lambda day: load_study(longer, as_of=day).as_of,
        "update to": lambda day: _grown(source, before, [], day, tmp_path)[0].as_of,
        "resolve as of": lambda day: (
            _studies((longer,), day, dt.date(2026, 4, 30))(source.spec.name, None).as_of
        ),
        "backtest between": origin,
        "at": lambda day: grid.dates[Track.period_of(track, day)],
        "by": lambda day: probability(futures, "talks", by=day).by,
        "step": lambda day: futures.dates[futures.step_of(day) - 1],
        "from": lambda day: result(date=day).date,
        "until": lambda day: result(until=day).until,
        "values": valued,
        "made in Python": lambda day: Intervention("waiver", day).date,
    }


@pytest.mark.parametrize("given", SAME, ids=repr)
def test_a_day_is_the_same_day_at_every_door(doors, given):
    assert {name: str(ask(given)) for name, ask in doors.items()} == dict.fromkeys(
        doors, "2026-03-10"
    )


@pytest.mark.parametrize("given", REFUSED, ids=repr)
def test_what_names_no_day_is_refused_at_every_door(doors, given):
    for ask in doors.values():
        with pytest.raises(StudyError) as caught:
            ask(given)
        assert repr(given) == caught.value.found and caught.value.fix


def test_values_of_a_path_arrive_in_the_order_of_days_whatever_is_written_first(futures, tmp_path):
    """Text order would put a week before the days of its own year."""
    file = tmp_path / "what_if.toml"
    head = '[[intervention]]\nkind = "path"\nindicator = "price"\ndate = 2026-03-10\n'

    def belief(values):
        file.write_text(head + f"values = {{ {values} }}\n")
        items = load_interventions(file)
        changed = forecast(futures.posterior, 35, seed=5, interventions=items, baselines=False)
        return changed.paths.logit_belief

    first, second = '"2026-03-10" = 150.0', '"2026-03-12" = 110.0'
    np.testing.assert_array_equal(belief(f"{first}, {second}"), belief(f"{second}, {first}"))
    with pytest.raises(StudyError, match="not written as a date"):
        belief(f'"2026-W11-2" = 150.0, {second}')
