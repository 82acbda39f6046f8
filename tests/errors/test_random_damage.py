"""Whatever happens to the files of a study, it is read or refused; it never ends in a traceback."""

import json
import shutil
import warnings
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_actions import write_actions
from make_study import write_study
from mutants import mutate

from beliefs import BeliefsError, StudyError, build_inputs, load_study
from beliefs.model.theory import bundled_theories
from beliefs.study.bundled import find_study, list_studies

S, I, E, T, C = "study.toml", "indicators.csv", "events.csv", "talks.csv", "coverage.csv"
A = "agreements.csv"
SNIPPETS = [b"", b"\x00", b"\xff", b"\n", b"\r", b"9" * 400, b"\n[[sides]]"]
SNIPPETS += b"\" , [ ] { = # ''' nan inf 1e308 -1 0 true \xc3\xa9 [period]".split()
SNIPPETS += b"0001-01-01 9999-12-31 2200-12-31 1600-01-01 2026-01-20".split()
damages = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(SNIPPETS)),
    min_size=1,
    max_size=3,
)


FILES = [*((write_study, file) for file in (S, S, I, E, T, C)),
         *((write_actions, file) for file in (S, A, A, E, T))]  # fmt: skip


def outcome(folder):
    """Read a changed study; return it and inputs, or None where it is refused with a message."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            study = load_study(folder)
            return study, build_inputs(study)
        except StudyError as error:
            assert error.where and error.found and error.expected and error.fix
            return None


@pytest.mark.filterwarnings("error")
@given(st.sampled_from(FILES), damages)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_are_read_or_refused(tmp_path_factory, kind, damage):
    write, file = kind
    folder = write(tmp_path_factory.mktemp("study"))
    content = (folder / file).read_bytes()
    for place, length, snippet in damage:
        start = int(place * len(content))
        content = content[:start] + snippet + content[start + length :]
    (folder / file).write_bytes(content)
    found = outcome(folder)
    assert found is None or found[1].active.all()


PERIODS = 40  # of a mutant's study that are tracked
AHEAD = 10


def followed(folder, inputs, theory):
    """Track the first periods of a mutant and forecast from there; both may be refused."""
    from beliefs import forecast, load_theory, summarise
    from beliefs.inference.action_draws import action_draws
    from beliefs.inference.smc.track import posterior_at, track

    last = int(min(inputs.active.sum(), PERIODS)) - 1
    day = inputs.ends[last]
    try:
        study = load_study(folder, as_of=str(day)[:10])
        found = track(study, load_theory(theory), particles=100, seed=1)
        posterior = posterior_at(found, found.n_time - 1, 50)
        action_draws(posterior, "posterior", particles=100)
        ahead = forecast(posterior, AHEAD, seed=1, allow_failed=True)
        json.dumps(summarise(ahead), allow_nan=False)
    except BeliefsError as error:
        assert error.exit_code in (2, 3, 4) and error.where and error.fix


@cache
def early(name):
    """The day after the periods of a bundled study that are tracked."""
    return str(build_inputs(load_study(name)).dates[PERIODS])[:10]


def mutant(name, number, folder):
    """A changed copy of a bundled study, and what was changed."""
    shutil.copytree(find_study(name), folder)
    return mutate(folder, np.random.default_rng([number, 14]), early(name))


@pytest.mark.parametrize("name", list_studies())
def test_changed_studies_are_read_or_refused(name, tmp_path):
    fates = []
    for number in range(8):
        done = mutant(name, number, tmp_path / str(number))
        try:
            fates.append(outcome(tmp_path / str(number)))
        except Exception as error:
            raise AssertionError(f"mutant {number} of {name}: {done}") from error
    assert 0 < sum(fate is None for fate in fates) < len(fates)


@pytest.mark.parametrize(
    ("name", "count"),
    [("synthetic-duel", 2),
     *(pytest.param(name, 300, marks=pytest.mark.slow) for name in list_studies())],
)  # fmt: skip
def test_changed_studies_are_tracked_and_forecast_or_refused(name, count, tmp_path):
    theories, wrong, passed = sorted(bundled_theories()), [], 0
    for number in range(count):
        folder = tmp_path / "mutant"
        done = mutant(name, number, folder)
        try:
            if found := outcome(folder):
                followed(folder, found[1], theories[number % len(theories)])
                passed += 1
        except Exception as error:  # all of them at once, so that they can be fixed by kind
            wrong.append(f"mutant {number} ({done}): {error!r}")
        shutil.rmtree(folder)
    assert not wrong, "\n".join(wrong)
    assert passed
