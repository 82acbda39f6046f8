"""What the first signal of a war says is taken for what it says."""

import numpy as np
import pandas as pd
import pytest

import beliefs


@pytest.mark.parametrize("channel", ["action", "public"])
def test_a_strong_first_signal_is_no_outlier_because_it_comes_first(channel):
    days, rng = pd.date_range("2022-01-10", periods=60), np.random.default_rng(0)
    values = pd.DataFrame({"rate": 80 + rng.normal(0, 0.3, 60), "hits": rng.poisson(3, 60)}, days)
    march = {"date": ["2022-02-24"], "initiator": "north", "kind": "deployment"}

    def rise(first: str) -> float:
        """How far the signal moves the belief, in log-odds, on the day that it is given."""
        period, found = (first, "2022-02-26", "day"), []
        for signal in (2.0, None):
            events = pd.DataFrame(march | {"belief_signal": signal, "channel": channel})
            study = beliefs.Study.from_frames(
                values, sides={"north": "-rate", "south": "hits"}, events=events, period=period
            )
            seen = beliefs.track(study, beliefs.load_theory("simple"), particles=400, seed=1)
            found.append(
                seen.filtered[int(np.searchsorted(seen.ends, np.datetime64("2022-02-24")))]
            )
        return float(np.subtract(*(np.log(p[0] / (1 - p[0])) for p in found)))

    first, later = rise("2022-02-24"), rise("2022-02-01")
    assert later > 0.3 and first > 0.6 * later
