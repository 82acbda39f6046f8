"""An interrupted run ends with a message, and leaves nothing half written."""

import ctypes
import importlib
import os
import signal
import time

import pytest
from processes import begun, command, ended

import beliefs
from beliefs.cli import options
from beliefs.cli.app import main, no_lost_interrupt
from beliefs.records import files

MESSAGE = "stopped; nothing unfinished was written\n"


def announced(*arguments):
    """Run a command that tells the name of each stage as it begins."""
    # Who runs the tests may ignore the signals.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    options.Stages.__call__ = lambda self, stage: print(stage, flush=True)
    command(*arguments)


def writing(*arguments):
    """Run a fit that compiles and samples nothing; its folder is begun, and stays so."""

    def begin(out, posterior, settings, aside):
        with files.written_aside(out, aside):
            (aside / "posterior.nc").write_text("half")
            print("begun", flush=True)  # a signal amid the flush has it written once
            for _ in range(6000):  # a signal just before one long sleep would not shorten it
                time.sleep(0.01)

    beliefs.fit, beliefs.save_run = lambda *_, **settings: None, begin
    announced("fit", *arguments)


def interrupted(stage, delay, number, *what):
    """Exit code and what was complained after a signal, some seconds into a stage."""
    process, output = begun(*what)
    try:
        said = []
        while stage not in said:
            line = output.readline()
            assert line, said
            said.append(line.strip())
        time.sleep(delay)
        os.kill(process.pid, number)
        return ended(process, output)
    finally:
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_run_folder_being_written_goes_away(number, tmp_path):
    what = writing, "us-civil-war", "--out", tmp_path / "run"
    assert interrupted("begun", 0, number, *what) == (130, MESSAGE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "delay"),
    [
        ("compile", 2),
        ("sample", 0),
        ("sample", 2),
        ("evaluate", 0.2),
        ("track", 1),
    ],
)
def test_each_stage_can_be_stopped(stage, delay, rich_folder, tmp_path):
    # Sampling that is to be interrupted would take hours.
    draws = ["--draws", 10**6] if stage == "sample" else ["--draws", 50, "--tune", 50]
    how = ["run"] if stage == "track" else ["fit", *draws]
    what = announced, *how, rich_folder, "--out", tmp_path / "run"
    code, complaints = interrupted(stage, delay, signal.SIGINT, *what)
    # A library may complain in its own words first.
    assert code == 130 and complaints.endswith(MESSAGE), complaints
    assert list(tmp_path.iterdir()) == []


class Sampler:
    """Stands for that of nutpie, interrupted while waited for."""

    cancelled = False

    def wait(self):
        raise KeyboardInterrupt

    def cancel(self):
        self.cancelled = True


def test_interrupted_sampling_is_cancelled_and_is_no_posterior(
    rich_folder, tmp_path, monkeypatch, capsys
):
    import nutpie

    sampler, asked = Sampler(), {}
    monkeypatch.setattr(nutpie, "sample", lambda _, **how: asked.update(how) or sampler)
    fit = importlib.import_module("beliefs.inference.nuts.fit")
    monkeypatch.setattr(fit, "compiled_model", lambda *_: None)
    assert main(["fit", str(rich_folder), "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr() == ("", MESSAGE)
    assert asked["blocking"] is False and sampler.cancelled
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_that_compiled_code_drops_comes_again():
    begun = time.monotonic()
    came = []
    with pytest.raises(KeyboardInterrupt), no_lost_interrupt():
        # Compiled code calls Python, and has no way to pass an exception on.
        ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))()
        came.append("dropped")
        try:
            while time.monotonic() < begun + 10:
                time.sleep(0.01)
        except KeyboardInterrupt:
            came.append("again")
            raise
    assert came == ["dropped", "again"]


class PanicError(BaseException):
    """What code in Rust raises."""


def test_what_breaks_before_a_dropped_interrupt_comes_again_is_the_interrupt():
    with pytest.raises(KeyboardInterrupt), no_lost_interrupt():
        ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))()
        raise ValueError
    time.sleep(0.1)  # it comes no more


def test_an_error_made_of_an_interrupt_is_the_interrupt():
    def library():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise PanicError from None

    with pytest.raises(KeyboardInterrupt), no_lost_interrupt():
        library()
    with pytest.raises(PanicError), no_lost_interrupt():
        raise PanicError


def test_a_second_signal_does_not_disturb_the_tidying_up():
    tidy = []
    with pytest.raises(KeyboardInterrupt), no_lost_interrupt():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            tidy.append(True)
    assert tidy == [True]
