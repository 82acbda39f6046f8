"""A plan is kept as it was given, and a slip in it is told before anything is sampled."""

import datetime as dt
import json

import pytest

from beliefs.errors import StudyError
from beliefs.forecasting.forecast import forecast
from beliefs.simulation.interventions import Intervention, as_table, parse
from beliefs.simulation.plan import check_plan
from beliefs.study.load import load_study


@pytest.mark.parametrize(
    "item",
    [
        Intervention("path", dt.date(2026, 3, 10), indicator="price", change=0.3),
        Intervention("path", dt.date(2026, 3, 10), indicator="price", values={"2026-03-11": 2.0}),
        Intervention("waiver", dt.date(2026, 3, 10), until=dt.date(2026, 3, 12)),
        Intervention("turnover", dt.date(2026, 3, 10), side="south"),
    ],
)
def test_a_table_of_a_manifest_gives_its_intervention_back(item):
    assert parse("here", json.loads(json.dumps(as_table(item)))) == item


@pytest.mark.parametrize("date", ["soon", 20260310, None])
def test_a_damaged_date_in_a_manifest_is_named(date):
    with pytest.raises(StudyError, match="date") as caught:
        parse("manifest.json", {"kind": "waiver", "date": date})
    assert caught.value.where.startswith("manifest.json")


@pytest.mark.parametrize(
    ("horizon", "item", "named"),
    [
        (0, None, "horizon"),
        (5001, None, "horizon"),
        (35, Intervention("waiver", dt.date(2027, 1, 1)), "outside the forecast"),
        (35, Intervention("turnover", dt.date(2026, 3, 5), side="east"), "east"),
        (35, Intervention("path", dt.date(2026, 3, 5), "pryce", 0.1), "pryce"),
        (35, Intervention("path", dt.date(2026, 3, 5), "poll", 0.1), "logit"),
        (2, Intervention("waiver", dt.date(2026, 3, 20)), "outside the forecast"),
    ],
)
def test_a_plan_is_refused_without_a_posterior(rich_folder, horizon, item, named):
    with pytest.raises(StudyError, match=named):
        check_plan(load_study(rich_folder), horizon, [item] if item else [])


def test_a_plan_that_a_forecast_takes_is_let_through(futures):
    first, last = (dt.date.fromisoformat(str(futures.dates[at])) for at in (0, -1))
    items = [
        item
        for day in (first, last)
        for item in (
            Intervention("path", day, "price", 0.5),
            Intervention("waiver", day),
            Intervention("turnover", day, side="south"),
            Intervention("escalation", day),
        )
    ]
    told = forecast(
        futures.posterior, futures.dates.size, seed=1, interventions=items, actions=False
    )
    assert told.interventions == tuple(items)
    check_plan(futures.posterior.study, futures.dates.size, items)
