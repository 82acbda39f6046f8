"""Readings and talks that come out late belong to their own dates, and are known from then on."""

import numpy as np
import pytest
from make_actions import acts, write_actions
from make_study import day, event, event_rows, talk, talk_rows, write_study
from prefix import assert_same, columns
from toy import TOY, same_bits

from beliefs import ConflictError, build_inputs, load_study, load_theory
from beliefs.features.talks import talks_public
from beliefs.inference.smc.blocks import advance_blocks, blocks_known, track_blocks
from beliefs.inference.smc.track import advance, first_change, track
from beliefs.model.contract import logistic

WRITTEN, OUT, LAST = 8, 40, 45  # a memorandum of day 8 that comes out on day 40
NORTH, ACTION = 0, 0
MEMO = event(
    "MEMO", WRITTEN, initiator="north", kind="doubt_admission", severity="", signal=-2,
    lag=OUT - WRITTEN,
)  # fmt: skip
READINGS = [
    event(f"H{o}", o, initiator="north", kind="victory_claim", severity="", signal=1)
    for o in (16, 24, 30, 36)
]
ROWS = [*event_rows(), *READINGS]
SECRET = talk("SECRET", 10, length=1, lag=OUT - 10)

SURE = """
[priors.log_volatility]
dist = "Normal"
mu = -0.5
sigma = 0.1
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    file = tmp_path_factory.mktemp("toy") / "toy.toml"
    file.write_text(TOY + SURE, encoding="utf-8")
    return load_theory(file)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("plain") / "small", events=ROWS)


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    folder = tmp_path_factory.mktemp("late") / "small"
    return write_study(folder, events=[*ROWS, MEMO], talks=[*talk_rows(), SECRET])


@pytest.fixture(scope="module")
def memorandum(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("memo") / "small", events=[*ROWS, MEMO])


def tracked(folder, theory, offset, particles=2000):
    return track(load_study(folder, as_of=day(offset)), theory, particles=particles, seed=3)


def belief_at(found, period, offsets, draws=2000):
    """Mean probability of the North on some days, as known after a period."""
    path = found.at(day(period), draws=draws).tree["posterior"]["logit_belief"].values
    return [float(logistic(np, path[..., NORTH, o].astype(float)).mean()) for o in offsets]


def test_nothing_of_a_late_row_is_known_before_it_is_published(plain, late, toy):
    before = [load_study(folder, as_of=day(OUT - 1)) for folder in (plain, late)]
    assert before[0].sha256 == before[1].sha256
    assert_same(*(build_inputs(study) for study in before))
    same_bits(*(tracked(folder, toy, OUT - 1, particles=200) for folder in (plain, late)))


def test_once_published_a_late_row_stands_at_its_own_date_alone(plain, late):
    one, two = (build_inputs(load_study(folder, as_of=day(OUT))) for folder in (plain, late))
    assert two.reading[NORTH, ACTION, WRITTEN] == -2.0
    assert np.isnan(two.reading[NORTH, ACTION, OUT])
    assert two.talks[[10, 11]].all() and not two.talks[OUT] and two.talks_previous[[11, 12]].all()
    first = {"reading": WRITTEN, "talks": 10, "talks_previous": 11}
    others = columns(two)
    for name, array in columns(one).items():
        apart = (array != others[name]) & ~((array != array) & (others[name] != others[name]))
        when = np.flatnonzero(apart.any(axis=tuple(range(array.ndim - 1))))
        assert not len(when) or when[0] >= first.get(name, 10), name
        if name in ("reading", "talks", "talks_previous"):
            assert when[-1] <= 12, name
        if name in ("surprise", "quiet", "persist", "resolve", "hardline", "strikes"):
            assert not len(when), name
    public = talks_public(load_study(late))
    assert public[[10, 11]].tolist() == [OUT, OUT] and public[9] == 9
    assert public[20] == 20 and public[33] == 37


def test_a_late_memorandum_moves_belief_at_its_own_date(plain, memorandum, tmp_path, toy):
    # The same words, dated on the day on which they came out.
    words = [*ROWS, event("MEMO", OUT, initiator="north", kind="doubt_admission",
                                  severity="", signal=-2)]  # fmt: skip
    prompt = write_study(tmp_path / "prompt", events=words)
    then, now = WRITTEN, OUT
    without, with_it, dated_now = (
        belief_at(tracked(folder, toy, OUT), OUT, (then, now))
        for folder in (plain, memorandum, prompt)
    )
    moved = np.subtract(with_it, without)
    assert moved[0] < -0.05  # the North believed less of it in the days of the memorandum
    assert abs(moved[1]) < 0.03  # ... what others read since says more of the present
    assert dated_now[1] < with_it[1] - 0.08  # it is no reading of the day on which it came out


def test_a_track_goes_back_for_it_and_is_that_of_all_rows(memorandum, toy):
    then, now = (load_study(memorandum, as_of=day(d)) for d in (OUT - 1, LAST))
    before = track(then, toy, particles=2000, seed=3)
    old, new = before.model(), before.model(build_inputs(now))
    assert first_change(old, new, before.n_time) == WRITTEN
    whole, found = track(now, toy, particles=2000, seed=3), advance(before, now)
    same_bits(found.until(WRITTEN), whole.until(WRITTEN))
    mine, theirs = (belief_at(t, LAST, (WRITTEN, OUT)) for t in (found, whole))
    np.testing.assert_allclose(mine, theirs, atol=0.03)
    # What was known earlier stays known: without it, with the folder of today.
    assert whole.at(day(OUT - 1), draws=50).study.sha256 == then.sha256
    mine, theirs = (belief_at(t, OUT - 1, (WRITTEN, OUT - 1)) for t in (whole, before))
    np.testing.assert_allclose(mine, theirs, atol=0.03)


def test_a_folder_that_says_otherwise_by_now_is_not_gone_back_to(toy, tmp_path):
    folder = write_study(tmp_path / "s", events=[*ROWS, MEMO])
    found = tracked(folder, toy, LAST, particles=200)
    text = (folder / "events.csv").read_text()
    (folder / "events.csv").write_text(text.replace("strike,4,action,1,", "strike,4,action,2,"))
    with pytest.raises(ConflictError, match="no longer holds"):
        found.at(day(OUT - 1))


@pytest.mark.parametrize(
    "name", ["base_rate", pytest.param("mutual_optimism", marks=pytest.mark.slow)]
)
def test_blocks_go_back_likewise(tmp_path, name):
    more = event("MEMO", 20, initiator="north", kind="doubt_admission", severity="", signal=-2,
                 lag=OUT - 20)  # fmt: skip
    talks = [*talk_rows(), talk("SECRET", 24, lag=OUT - 24)]
    folder = write_actions(tmp_path / "small", events=[*acts(), more], talks=talks)
    theory = load_theory(name)
    then, now = (load_study(folder, as_of=day(d)) for d in (OUT - 1, LAST))
    before, whole = (track_blocks(s, theory, particles=500, seed=2) for s in (then, now))
    assert before.tracks
    for found, wanted in (
        (advance_blocks(before, now), whole),
        (blocks_known(whole, OUT), before),
        (blocks_known(whole, OUT, blocks_known(whole, OUT - 5)), before),
    ):
        assert found.n_time == wanted.n_time and found.study.sha256 == wanted.study.sha256
        params = [t.params(2000, np.random.default_rng(1)) for t in (found, wanted)]
        for name, values in params[1].items():
            miss = (params[0][name].mean(axis=0) - values.mean(axis=0)) / values.std(axis=0)
            assert np.abs(miss).max() < 0.5, name
        for block, other in wanted.tracks.items():
            mine = found.tracks[block].log_evidence[-1]
            assert mine == pytest.approx(other.log_evidence[-1], abs=0.5), block
