"""Whatever happens to the files of a study, it is read or refused; it never ends in a traceback."""

import warnings

import pytest
from broken import C, E, I, S, T
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_conduct import write_conduct
from make_study import write_study

from beliefs.errors import StudyError
from beliefs.study import build_inputs, load_study

A = "agreements.csv"
SNIPPETS = [b"", b"\x00", b"\xff", b"\n", b"\r", b'"', b",", b"[", b"]", b"{", b"=", b"#", b"'''"]
SNIPPETS += [
    b"nan",
    b"inf",
    b"1e308",
    b"-1",
    b"0",
    b"9" * 400,
    b"true",
    b"\xc3\xa9",
    b"\n[[sides]]",
]
SNIPPETS += [b"0001-01-01", b"9999-12-31", b"2200-12-31", b"1600-01-01", b"2026-01-20", b"[period]"]

damages = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(SNIPPETS)),
    min_size=1,
    max_size=3,
)


@pytest.mark.filterwarnings("error")
@given(st.sampled_from([S, S, I, E, T, C]), damages)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_are_read_or_refused(tmp_path_factory, file, damage):
    check_damaged(write_study(tmp_path_factory.mktemp("study")), file, damage)


@pytest.mark.filterwarnings("error")
@given(st.sampled_from([S, A, A, E, T]), damages)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_files_about_conduct_are_read_or_refused(tmp_path_factory, file, damage):
    check_damaged(write_conduct(tmp_path_factory.mktemp("study")), file, damage)


def check_damaged(folder, file, damage):
    """Damage a file of a study; it must load, or be refused with a message that helps."""
    content = (folder / file).read_bytes()
    for place, length, snippet in damage:
        start = int(place * len(content))
        content = content[:start] + snippet + content[start + length :]
    (folder / file).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            inputs = build_inputs(load_study(folder))
        except StudyError as error:
            assert error.where and error.found and error.expected and error.mend
        else:
            assert inputs.active.all()
