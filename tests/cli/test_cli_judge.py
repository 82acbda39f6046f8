"""The commands that judge print what they found, in every format, and refuse what they cannot."""

import csv
import io
import json

import numpy as np
import pytest

from beliefs.evaluation.claims.verdicts import Verdict
from beliefs.evaluation.compare import compared
from beliefs.evaluation.scores.skill import SHARED


def row(name, verdict, p):
    return Verdict(
        id=name, essay="A text", author="Somebody", title="Talks help", claimed="> 0", test="sign",
        theory="M1J", kind=("sign",), verdict=verdict, p_claim=p, p_prior=0.5, contraction=0.3,
        log_bf=1.0, delta_log_score=None if p is None else 0.12345, delta_low=-1.0, delta_high=2.0,
        scored=("talks",), method="rerun", forecast=None, why="so", sentence="Talks, they help.",
    )  # fmt: skip


@pytest.fixture
def judged(monkeypatch):
    """Two verdicts, and what the command asked for."""
    asked = {}

    def judge(study, **options):
        asked.update(options, study=study.spec.name, as_of=str(study.as_of))
        return (row("X01", "supported", 0.97), row("X02", "not learnable here", None))

    monkeypatch.setattr("beliefs.evaluation.claims.verdicts.verdicts", judge)
    return asked


@pytest.fixture
def scored(monkeypatch):
    """A comparison of made-up scores, and what the command asked for."""
    asked = {}

    def score(study, theories, **options):
        asked.update(options, ids=[t.id for t in theories])
        rng = np.random.default_rng(1)
        scores = rng.normal(-1.0, 0.1, (len(theories), len(SHARED), 40))
        dates = np.datetime64("2026-01-01") + np.arange(40)
        return compared(scores, theories, study="made-up", dates=dates, step_days=1, seed=1)

    monkeypatch.setattr("beliefs.evaluation.compare.compare", score)
    return asked


def test_verdicts_for_a_script_and_for_a_person(call, judged):
    code, out, _ = call("verdicts", "synthetic-duel", "--json", "--particles", "300", "--seed", "4")
    result = json.loads(out)
    assert code == 0 and result["study"] == "synthetic-duel"
    first, second = result["verdicts"]
    assert (first["id"], first["verdict"], first["p_claim"]) == ("X01", "supported", 0.97)
    assert first["contraction"] == 0.3 and first["delta_log_score"] == 0.123
    assert first["sentence"] == "Talks, they help."
    assert second["p_claim"] is None and second["delta_log_score"] is None
    assert judged["particles"] == 300 and judged["seed"] == 4
    code, out, _ = call("verdicts", "synthetic-duel", "--as-of", "2001-03-01")
    assert code == 0 and out.rstrip().endswith("1 supported, 1 not learnable here")
    assert judged["as_of"] == "2001-03-01"


def test_a_comparison_in_every_format(call, scored):
    code, out, _ = call("compare", "us-iran-2026", "--theories", "M4, base_rate", "--json")
    result = json.loads(out)
    assert code == 0 and scored["ids"] == ["M0", "M4"]
    assert {t["id"] for t in result["theories"]} == {"M0", "M4", "M5"}
    assert result["weights"][0]["M0"] == 0.5
    code, out, _ = call("compare", "us-iran-2026")
    assert code == 0 and scored["ids"] == ["M0", "M1", "M2", "M3", "M4"]
    assert "cannot be told apart by this study" in out  # five theories of the same made-up noise
    _, out, _ = call("compare", "us-iran-2026", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [r["id"] for r in rows][-1] == "M5" and float(rows[0]["elpd_diff"]) == 0.0


def test_the_weights_are_drawn(call, scored, tmp_path):
    file = tmp_path / "weights.png"
    code, _, _ = call("compare", "us-iran-2026", "--plot", file)
    assert code == 0 and file.read_bytes().startswith(b"\x89PNG")
    code, _, err = call("compare", "us-iran-2026", "--plot", file)
    assert code == 4 and "the file exists already" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("verdicts", "synthetic-duel", "--json", "--csv"), 2, "two formats at once"),
        (("compare", "synthetic-duel", "--json", "--csv"), 2, "two formats at once"),
        (("verdicts", "no-such-study"), 2, "no such study"),
        (("compare", "synthetic-duel", "--theories", "M9"), 2, "no such theory"),
        (("compare", "synthetic-duel", "--theories", "M1"), 2, "nothing to compare"),
        (("verdicts", "synthetic-duel", "--particles", "5"), 2, "particles"),
    ],
)
def test_what_cannot_be_is_refused(call, arguments, code, message):
    got, _, err = call(*arguments)
    assert got == code and message in err


@pytest.mark.slow
def test_every_claim_gets_a_verdict(call):
    code, out, _ = call("verdicts", "synthetic-duel", "--json", "--particles", "100")
    rows = json.loads(out)["verdicts"]
    assert code == 0 and len(rows) == 56
    known = {"supported", "contradicted", "undecided", "not learnable here"}
    for r in rows:
        assert r["verdict"] in known and r["sentence"].endswith("."), r["id"]
        if "no observation" in r["why"]:
            assert r["verdict"] == "not learnable here"
    assert any(r["verdict"] != "not learnable here" for r in rows)
