"""Registering forecasts: in order, one at a time, each once, and never half."""

import errno
import os
import signal

import pytest
from ledgers import a_forecast, on
from processes import FORKS, begun, ended

from beliefs.errors import ConflictError, StudyError
from beliefs.records.ledger import chain
from beliefs.records.ledger.chain import fix, writing
from beliefs.records.ledger.register import read_ledger, register, verify


def add(ledger, numbers, ready):
    """Register forecasts of one's own, when all others are ready too."""
    ready.wait()
    for number in numbers:
        register(ledger, a_forecast(number))


def die(ledger):
    """Be killed halfway through the line of a forecast."""

    def half(path, data):
        with path.open("ab", buffering=0) as file:
            file.write(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    chain.append = half
    register(ledger, a_forecast(77))


@pytest.mark.parametrize(
    "each", [13, pytest.param(125, marks=pytest.mark.slow)], ids=["104 adds", "1000 adds"]
)
def test_eight_processes_adding_at_once_lose_and_break_nothing(ledger, each):
    ready = FORKS.Barrier(8)
    running = [begun(add, ledger, range(k * each, (k + 1) * each), ready) for k in range(8)]
    assert [ended(*one) for one in running] == [(0, "")] * 8
    verdict = verify(ledger)
    assert not verdict.problems and verdict.lines == 8 * each
    numbers = [f.seed["forecast"] for f in read_ledger(ledger).forecasts.values()]
    assert sorted(numbers) == [*range(8 * each)]
    assert [p.name for p in ledger.parent.iterdir()] == [ledger.name]


def test_a_forecast_is_registered_with_its_time_and_the_head_is_that_line(ledger):
    one = register(ledger, a_forecast(1), now=on("2026-02-01"))
    two = register(ledger, a_forecast(2), now=on("2026-02-02"))
    assert (one.n, two.n) == (1, 2)

    read = read_ledger(ledger)
    assert read.hashes == (one.head, two.head)
    assert read.forecasts[2] == two.forecast
    assert two.forecast.at == on("2026-02-02")
    assert two.forecast.model_copy(update={"at": a_forecast(2).at}) == a_forecast(2)
    assert verify(ledger, head=one.head).since == 1
    assert verify(ledger, head=f" {two.head.upper()}\n").since == 0
    with pytest.raises(StudyError, match="not the head of a ledger"):
        verify(ledger, head=one.head[:-1])


def test_the_same_forecast_is_refused_and_leaves_the_ledger_as_it_is(ledger):
    register(ledger, a_forecast(1))
    register(ledger, a_forecast(2))
    before = ledger.read_bytes()
    with pytest.raises(ConflictError, match="registered already") as caught:
        register(ledger, a_forecast(1))
    assert caught.value.exit_code == 4 and f"{ledger}:1" in str(caught.value)
    assert ledger.read_bytes() == before


def test_a_forecast_that_knows_tomorrow_is_refused(ledger):
    register(ledger, a_forecast(1), now=on("2026-01-30", 12))  # it is the 31st in the east
    with pytest.raises(StudyError, match="a day that has not come"):
        register(ledger, a_forecast(2), now=on("2026-01-29"))
    assert verify(ledger).lines == 1


def test_a_killed_writers_half_line_is_told_by_the_next_add_and_kept_by_mending(ledger):
    register(ledger, a_forecast(1))
    before = ledger.read_bytes()
    assert ended(*begun(die, ledger)) == (-signal.SIGKILL, "")
    torn = ledger.read_bytes()
    assert torn.startswith(before) and len(torn) > len(before)
    with pytest.raises(StudyError, match="a writer was killed") as caught:
        register(ledger, a_forecast(2))
    assert f"{ledger}:2" in str(caught.value) and "beliefs ledger fix" in caught.value.fix
    assert ledger.read_bytes() == torn
    assert "line 2, the last, is cut off" in verify(ledger).problems[0].what
    kept, lines = fix(ledger)
    assert lines == 1 and ledger.read_bytes() == before
    assert kept.parent == ledger.parent and before + kept.read_bytes() == torn
    assert register(ledger, a_forecast(77)).n == 2
    assert not verify(ledger).problems


def test_mending_refuses_what_is_whole_and_what_is_damaged_elsewhere(ledger):
    with pytest.raises(StudyError, match="no such ledger"):
        fix(ledger)
    assert not ledger.exists()
    register(ledger, a_forecast(1))
    register(ledger, a_forecast(2))
    with pytest.raises(ConflictError, match="no line of the ledger is cut off"):
        fix(ledger)
    broken = ledger.read_bytes().replace(b'"p":0.3', b'"p":0.4', 1)[:-9]
    ledger.write_bytes(broken)
    with pytest.raises(StudyError, match="damaged or changed"):
        fix(ledger)
    assert ledger.read_bytes() == broken
    assert [p.name for p in ledger.parent.iterdir()] == [ledger.name]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_ledger_as_it_was(ledger, monkeypatch, error):
    register(ledger, a_forecast(1))
    before = ledger.read_bytes()

    def fails(path, data):
        with path.open("ab") as file:
            file.write(data[:50])
        raise error

    monkeypatch.setattr(chain, "append", fails)
    with pytest.raises(StudyError if isinstance(error, OSError) else KeyboardInterrupt):
        register(ledger, a_forecast(2))
    assert ledger.read_bytes() == before


def test_a_writer_waits_for_another_and_gives_up_in_the_end(ledger, monkeypatch):
    register(ledger, a_forecast(1))
    monkeypatch.setattr(chain, "PATIENCE", 0.05)
    with writing(ledger):
        with pytest.raises(ConflictError, match="another process is writing"):
            register(ledger, a_forecast(2))
        with pytest.raises(ConflictError, match="another process is writing"):
            verify(ledger)  # or it might read half a line
    assert register(ledger, a_forecast(2)).n == 2
