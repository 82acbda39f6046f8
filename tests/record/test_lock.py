"""One writer at a time, and nothing that outlives its writer."""

import contextlib
import os
import time

import pytest
from processes import begun

from beliefs.errors import ConflictError, StudyError
from beliefs.records import files
from beliefs.records.files import aside_of, commit, only_one, reserved


def hold(kind, path):
    """Hold a lock until one is killed."""
    with getattr(files, kind)(path) as aside:
        if aside:
            (aside / "half").write_text("written")
        print("held", flush=True)
        time.sleep(60)


@contextlib.contextmanager
def holder(kind, path):
    """Another process that holds a lock."""
    process, said = begun(hold, kind, path)
    try:
        assert said.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.join()


def test_a_reserved_name_is_refused_to_another_process(tmp_path):
    with holder("reserved", tmp_path / "run"):
        with pytest.raises(ConflictError, match="another process is writing") as caught:
            with reserved(tmp_path / "run"):
                pytest.fail("two writers")
        assert caught.value.exit_code == 4
        with reserved(tmp_path / "other"):
            pass
        assert (aside_of(tmp_path / "run") / "half").read_text() == "written"


def test_a_run_that_is_updated_is_refused_to_another_process(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (tmp_path / "latest").symlink_to(run)
    with holder("only_one", run):
        for name in (run, tmp_path / "latest"):
            with pytest.raises(ConflictError, match="another process is updating"):
                with only_one(name):
                    pytest.fail("two updates")
    with only_one(run):
        pass
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("kind", ["reserved", "only_one"])
def test_no_lock_outlives_a_killed_process(tmp_path, kind):
    run = tmp_path / "run"
    if kind == "only_one":
        run.mkdir()
    with holder(kind, run) as process:
        process.kill()
        process.join()
        if kind == "only_one":
            with only_one(run):
                return
        assert (aside_of(run) / "half").is_file()
        with reserved(run) as aside:
            assert list(aside.iterdir()) == []
            (aside / "whole").write_text("yes")
            commit(aside, run)
    assert [p.name for p in run.iterdir()] == ["whole"]
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_next_writer_sweeps_up_after_the_dead_and_leaves_the_living_alone(tmp_path):
    with holder("reserved", tmp_path / "living"):
        with holder("reserved", tmp_path / "dead") as process:
            process.kill()
            process.join()
        (tmp_path / ".mine.part").mkdir()
        assert aside_of(tmp_path / "dead").is_dir()
        with reserved(tmp_path / "next"):
            left = {p.name for p in tmp_path.iterdir()}
        assert {name for name in left if name.endswith("part")} == {
            ".mine.part", aside_of(tmp_path / "living").name, aside_of(tmp_path / "next").name
        }  # fmt: skip


def test_a_link_where_the_half_written_folder_would_be_is_not_followed(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "precious").write_text("")
    aside_of(tmp_path / "run").symlink_to(tmp_path / "target")
    with pytest.raises(StudyError):
        with reserved(tmp_path / "run"):
            pass
    assert (tmp_path / "target" / "precious").exists()


@pytest.mark.parametrize("there", ["an empty folder", "a file", "a link"])
def test_whoever_commits_second_is_told_so_and_replaces_nothing(tmp_path, there):
    out = tmp_path / "run"
    with reserved(out) as aside:
        (aside / "mine").write_text("")
        if there == "a file":
            out.write_text("theirs")
        elif there == "a link":
            out.symlink_to(tmp_path / "nowhere")
        else:
            out.mkdir()
        with pytest.raises(ConflictError, match="exists already"):
            commit(aside, out)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert not (out / "mine").exists() and os.path.lexists(out)
