"""Long futures are made stretch by stretch: the same numbers, in a fraction of the memory."""

import datetime as dt
import tracemalloc
from dataclasses import fields
from itertools import product

import numpy as np
import pytest

from beliefs import Intervention, forecast
from beliefs.simulation import paths, state

DAYS = 45


def what_ifs(futures):
    day = futures.dates[0].astype(object)
    return (
        Intervention("escalation", day + dt.timedelta(25)),
        Intervention("waiver", day + dt.timedelta(10), until=day + dt.timedelta(40)),
        Intervention("mediator_leaves", day + dt.timedelta(33)),
        Intervention("path", day + dt.timedelta(28), indicator="usd_irr", change=0.3),
        Intervention("spoiler", day + dt.timedelta(31)),
    )


CASES = enumerate(product(("mutual_optimism", "base_rate"), (True, False), (True, False)))


@pytest.mark.parametrize(
    ("theory", "changed", "acts"),
    [pytest.param(*c, marks=[] if n in (0, 1, 6) else pytest.mark.slow) for n, c in CASES],
)
def test_stretches_have_the_numbers_of_the_whole(result, monkeypatch, theory, changed, acts):
    plain = result(theory)
    samples = len(plain.paths.talks)

    def made(cells):
        monkeypatch.setattr(paths, "CELLS", cells * samples)
        monkeypatch.setattr(state, "CELLS", cells * samples)
        return forecast(
            plain.posterior, DAYS, seed=3, allow_failed=True,
            actions=acts, interventions=what_ifs(plain) * changed,
        )  # fmt: skip

    whole, parts = made(DAYS), made(17)
    for name in ("paths", "prior_paths", "base_paths"):
        one, two = (getattr(f, name) for f in (whole, parts))
        if one is None:
            continue
        for field in fields(one):
            a, b = (getattr(p, field.name) for p in (one, two))
            pairs = a.items() if isinstance(a, dict) else [(field.name, a)]
            for key, values in pairs:
                other = b[key] if isinstance(b, dict) else b
                np.testing.assert_array_equal(values, other, err_msg=f"{name} {key}")


@pytest.mark.slow
def test_a_long_horizon_takes_a_fraction_of_the_memory_of_all_that_is_needed(result, monkeypatch):
    plain = result("mutual_optimism")
    samples, days = len(plain.paths.talks), 120

    def peak(cells):
        monkeypatch.setattr(paths, "CELLS", cells * samples)
        monkeypatch.setattr(state, "CELLS", cells * samples)
        tracemalloc.start()
        made = forecast(plain.posterior, days, seed=3, allow_failed=True)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert made.paths.logit_belief.dtype == made.paths.surplus.dtype == np.float32
        return most

    assert peak(10) < 0.25 * peak(days)
