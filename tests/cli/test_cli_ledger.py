"""`beliefs ledger` in the terminal, from a forecast to its score."""

import json

import pytest
from ledgers import on
from posteriors import PASSED, small_posterior

from beliefs import forecast, save_run, summarise


@pytest.fixture
def call(call):
    """Run a command on the ledger."""
    return lambda *arguments: call("ledger", *arguments)


@pytest.fixture
def clock(monkeypatch):
    """Set the clock that the commands read."""

    def to(day):
        for module in ("cli.ledger", "records.ledger.register", "records.ledger.resolve"):
            monkeypatch.setattr(f"beliefs.{module}.utc_now", lambda now=None: now or on(day))

    return to


@pytest.fixture(scope="module")
def run(rich_folder, tmp_path_factory):
    """The run of a forecast a week ahead, as of 5 February."""
    early = small_posterior(rich_folder, size=(2, 100), as_of="2026-02-05", report=PASSED)
    result = forecast(early, 7, seed=5, actions=False)
    out = tmp_path_factory.mktemp("ledger") / "run"
    return save_run(out, early, forecast=result, summary=summarise(result))


def head_of(out):
    return out.split("head: ")[1].split()[0]


def test_a_forecast_is_registered_resolved_and_scored(call, clock, run, rich_folder, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    clock("2026-02-06")
    code, out, err = call("add", run, "--ledger", ledger)
    assert (code, err) == (0, "")
    assert f"{ledger}:1: mutual_optimism on small as of 2026-02-05, 6 probabilities" in out
    assert "began a new ledger" in out and "LATE" not in out
    noted = head_of(out)
    code, out, err = call("add", run, "--ledger", ledger)
    assert code == 4 and out == "" and "registered already" in err

    clock("2026-02-09")
    code, out, _ = call("resolve", "--ledger", ledger)
    assert code == 0 and "1 unresolved: the study is not bundled: name its folder" in out
    code, out, _ = call("resolve", "--ledger", ledger, "--study", rich_folder, "--json")
    assert json.loads(out)["added"] == []
    assert {row["why"] for row in json.loads(out)["unresolved"]} == {"latent", "not over"}

    clock("2026-02-15")
    code, out, _ = call("resolve", "--ledger", ledger, "--study", rich_folder)
    assert code == 0 and "line 2: talks by 2026-02-12 (forecast of line 1): yes" in out
    assert "first 2026-02-07" in out and "any yes, direct no" in out and " T3" in out
    assert "5 unresolved: latent: nobody can look up a belief" in out
    code, out, _ = call("score", "--ledger", ledger)
    assert code == 0 and "6 probabilities: 1 resolved, 5 unresolved (5 latent" in out
    assert "registered in advance:" in out and "hindcast" not in out
    found = json.loads(call("score", "--ledger", ledger, "--json")[1])
    p = json.loads(ledger.read_text().splitlines()[0])["targets"][-1]["p"]
    assert found["classes"][0]["brier"] == pytest.approx((p - 1) ** 2, abs=1e-10)
    assert found["classes"][0]["events"] == 1

    code, out, _ = call("verify", "--ledger", ledger, "--head", noted)
    assert code == 0 and "2 lines in order" in out and "1 line was added since" in out
    code, out, _ = call("verify", "--ledger", ledger)
    assert code == 0 and "cannot show lines missing at its end" in out


def test_a_changed_byte_is_told_with_its_line_by_every_command(call, clock, run, tmp_path):
    clock("2026-02-06")
    ledger = tmp_path / "ledger"
    noted = head_of(call("add", run, "--ledger", ledger)[1])
    whole = ledger.read_bytes()
    ledger.write_bytes(whole.replace(b'"side":"north"', b'"side":"morth"', 1))
    code, out, err = call("verify", "--ledger", ledger)
    assert (code, err) == (3, "")
    assert out == f"{ledger}:1: the hash of line 1 does not match what the line says\n"
    row = json.loads(call("verify", "--ledger", ledger, "--json")[1])
    assert row["passed"] is False and row["problems"][0]["line"] == 1
    for command in (("add", run), ("resolve",), ("score",)):
        code, out, err = call(*command, "--ledger", ledger)
        assert (code, out) == (2, "") and "hash of line 1 does not match" in err
    ledger.write_bytes(b"")
    code, out, _ = call("verify", "--ledger", ledger, "--head", noted)
    assert code == 3 and "the noted head is the hash of no line" in out


@pytest.mark.parametrize("command", ["resolve", "score", "verify", "fix"])
def test_what_is_no_ledger_is_told_and_none_is_begun(call, tmp_path, command):
    odd = "not a regular file"  # a folder, and a device that ends if it is read
    for name, words in (("none.jsonl", "there is no such ledger"), ("", odd), ("/dev/null", odd)):
        code, out, err = call(command, "--ledger", tmp_path / name)
        assert (code, out) == (2, "") and words in err and "fix:" in err
    assert list(tmp_path.iterdir()) == []


def test_a_convergence_check_that_failed_ends_with_3_and_registers_nothing(
    call, rich_folder, tmp_path
):
    poor = small_posterior(rich_folder, "base_rate", size=(2, 60))
    run, ledger = save_run(tmp_path / "run", poor), tmp_path / "ledger"
    code, out, err = call("add", run, "--ledger", ledger)
    assert (code, out) == (3, "") and "convergence" in err and not ledger.exists()
    code, out, _ = call("add", run, "--ledger", ledger, "--allow-failed", "--horizon", 7)
    assert code == 0 and "the convergence check of its posterior FAILED" in out
    assert json.loads(ledger.read_text())["allowed_failed"] is True
