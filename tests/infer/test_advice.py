"""Advice for who builds a study: what is missing, turned round, or cannot be learnt."""

import numpy as np
import pandas as pd
import pytest

import beliefs
from beliefs.inference.advice import advice, unlearnable, unread


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(2)
    days = pd.date_range("2024-01-01", periods=60, freq="7D")
    moves = rng.normal(size=60)
    poll = 1.0 / (1.0 + np.exp(-0.3 * np.cumsum(moves)))
    levels = np.exp(0.1 * np.cumsum(moves)), np.exp(0.1 * np.cumsum(rng.normal(size=60)))
    return pd.DataFrame(dict(zip(("gain", "price", "poll"), (*levels, poll), strict=True)), days)


def said(frame, north="gain", **more):
    study = beliefs.Study.from_frames(
        frame, sides={"north": north, "south": "price"}, readings={"north": "poll"}, **more
    )
    return study, " / ".join(advice(study, beliefs.build_inputs(study)))


def test_a_sign_that_readings_contradict_is_asked_about(frame):
    assert "direction" not in said(frame)[1]
    assert "readings of north fall when gain brings good news" in said(frame, "-gain")[1]


def test_shares_and_signals_on_another_scale_are_asked_about(frame):
    mixed = frame.assign(poll=np.where(frame.index == frame.index[3], frame["poll"], 50.0))
    assert "1 of 60 values of poll are hardly shares of 100" in said(mixed)[1]
    chances = {"date": frame.index[:9], "initiator": "north", "kind": "threat"}
    signals = pd.DataFrame(chances | {"belief_signal": np.linspace(0.1, 0.9, 9)})
    assert "look like probabilities" in said(frame, events=signals)[1]


def test_what_is_missing_is_named(frame):
    words = said(frame)[1]
    assert "nothing reads the belief of south" in words and "belief of north" not in words
    assert "no talks in the period" in words
    assert "no talks" not in said(frame, talks=["2024-09-02"])[1]
    late = said(frame, period=("2024-01-01", "2025-02-23", "week"))[1]
    assert "gain is no news in the first 8 periods" in late


def test_a_parameter_without_data_is_found(frame):
    study, _ = said(frame, talks=["2024-09-02", "2024-09-09"])
    inputs, theory = beliefs.build_inputs(study), beliefs.load_theory("M1")
    found = unlearnable(inputs, theory)
    assert {"strike_base", "shock_hazard", "announced_effect"} <= set(found)
    assert not {"weight_own", "log_reading_step", "onset_base", "belief_mean"} & set(found)
    # The posterior of such a parameter is its prior: no particle gains weight by it.
    track = beliefs.track(study, theory, particles=1000, seed=1)
    posterior = track.at(track.ends[-1], draws=1000).kept["posterior"]
    prior = beliefs.prior(study, theory, draws=1000, seed=2).kept["posterior"]
    for name in ("announced_effect", "audience_effect"):
        assert name in found
        gap = posterior[name].mean(("chain", "draw")) - prior[name].mean(("chain", "draw"))
        assert (abs(gap) < 0.25 * prior[name].std(("chain", "draw"))).all()


def test_events_that_nothing_reads_are_found(frame):
    acts = pd.DataFrame(
        {"date": ["2024-05-02", "2024-06-03", "2024-07-04"], "initiator": "north",
         "kind": ["protest", "mediation", "threat"], "belief_signal": [None, None, 1.0]}
    )  # fmt: skip
    study, _ = said(frame, events=acts, talks=["2024-06-06"])
    # Mediation moves the chance of talks in theories that have it; a signal is a reading.
    assert unread(study, beliefs.load_theory("M3")) == ["protest"]
    assert unread(study, beliefs.load_theory("simple")) == ["mediation", "protest"]
