"""What the first signal of a war says is taken for what it says."""

import numpy as np
import pandas as pd
import pytest

import beliefs


@pytest.mark.parametrize("channel", ["action", "public"])
def test_a_strong_first_signal_is_no_outlier_because_it_comes_first(channel):
    days, rng = pd.date_range("2022-01-10", periods=60), np.random.default_rng(0)
    values = pd.DataFrame({"rate": 80 + rng.normal(0, 0.3, 60), "hits": rng.poisson(3, 60)}, days)
    march = {"date": ["2022-02-24"], "initiator": "north", "kind": "deployment", "channel": channel}

    def belief(first, signal):
        study = beliefs.Study.from_frames(
            values, sides={"north": "-rate", "south": "hits"}, period=(first, "2022-02-25", "day"),
            events=pd.DataFrame(march | {"belief_signal": signal}),
        )  # fmt: skip
        p = beliefs.track(study, "simple", particles=400, seed=1).filtered[-2, 0]
        return np.log(p / (1 - p))

    first, later = (belief(d, 2.0) - belief(d, None) for d in ("2022-02-24", "2022-02-01"))
    # The t density of an outlier would let next to nothing of it pass.
    assert later > 0.3 and first > 0.6 * later
