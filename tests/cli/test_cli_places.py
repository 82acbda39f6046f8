"""Where a command is to write is looked at before it begins to work."""

import json

import pytest
from posteriors import FAILED, small_posterior

from beliefs.records.files import FORMAT
from beliefs.records.run import save_run


@pytest.fixture
def idle(monkeypatch):
    """Let no command get as far as its work."""

    def worked(*_, **__):
        pytest.fail("it worked before it looked where to write")

    for name in (
        "beliefs.evaluation.compare.compare", "beliefs.evaluation.sensitivity.sensitivity",
        "beliefs.records.run.load_run", "beliefs.cli.ledger.entry_of",
        "beliefs.inference.nuts.fit.fit", "beliefs.inference.sampled.track",
        "beliefs.inference.smc.track.track",
        "beliefs.study.load.read_study",
    ):  # fmt: skip
        monkeypatch.setattr(name, worked)


COMMANDS = {
    "compare": ("compare", "us-iran-2026", "--plot"),
    "sensitivity": ("sensitivity", "us-iran-2026", "--out"),
    "report": ("report", "RUN", "--out"),
    "ledger": ("ledger", "add", "RUN", "--ledger"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(call, idle, tmp_path, command):
    arguments = COMMANDS[command]
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "folder.png").mkdir()
    for place in (tmp_path / "none" / "w.png", link, tmp_path / "folder.png", "/dev/full"):
        code, _, err = call(*arguments, place)
        assert code == 2 and f"where:    {place}" in err
    assert {p.name for p in tmp_path.iterdir()} == {"link.png", "folder.png"}


def test_a_plot_needs_a_name_of_its_own_that_says_a_format(call, idle, tmp_path):
    old = tmp_path / "q.png"
    old.write_bytes(b"mine")
    for name, code in (("q", 2), ("q.xyz", 2), ("q.pgf", 2), ("q.png", 4)):
        assert call("compare", "us-iran-2026", "--plot", tmp_path / name)[0] == code
    assert old.read_bytes() == b"mine"
    assert call("sensitivity", "us-iran-2026", "--out", old)[0] == 4


@pytest.mark.parametrize("command", ["fit", "run", "track", "backtest"])
def test_a_run_folder_is_neither_occupied_nor_a_link_that_leads_nowhere(
    call, idle, tmp_path, command
):
    link, folder = tmp_path / "run", tmp_path / "folder"
    link.symlink_to(tmp_path / "nowhere")
    folder.mkdir()
    for place in (link, folder):
        code, out, err = call(command, "us-iran-2026", "--out", place)
        assert code == 4 and out == "" and "exists already" in err
    assert link.is_symlink() and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("command", ["fit", "run", "track", "compare", "calibrate"])
def test_a_seed_beyond_64_bits_is_refused_at_the_door(call, idle, tmp_path, command):
    subject = "M1" if command == "calibrate" else "us-iran-2026"
    out = [] if command == "compare" else ["--out", tmp_path / "run"]
    code, _, err = call(command, subject, *out, "--seed", 2**64)
    assert code == 2 and "--seed" in err and str(2**64 - 1) in err


def test_verdicts_on_another_study_are_refused(call, rich_folder, tmp_path):
    few = small_posterior(rich_folder, "base_rate", size=(2, 50), report=FAILED)
    run = save_run(tmp_path / "run", few)
    manifest = json.loads((run / "manifest.json").read_text())
    row = dict.fromkeys(("id", "essay", "title", "claimed", "verdict", "sentence"), "a")
    said = {"format": FORMAT, "study": "small", "verdicts": [row]}
    said["study_sha256"] = manifest["study_sha256"]
    file, page = tmp_path / "verdicts.json", tmp_path / "page.html"
    arguments = ("report", run, "--allow-failed", "--out", page, "--horizon", 7, "--verdicts", file)
    other, none = {"study_sha256": "0" * 64}, {"study_sha256": None}
    old = {"format": FORMAT - 1}, f"format {FORMAT}"
    for changed, words in ((other, "verdicts on small"), (none, "verdicts on small"), old):
        file.write_text(json.dumps(said | changed))
        code, _, err = call(*arguments)
        assert code == 2 and words in err and not page.exists()
    assert call(*arguments[:-1], "/dev/zero")[0] == 2
    file.write_text(json.dumps(said))
    assert call(*arguments)[0] == 0 and "What the texts claim" in page.read_text()
