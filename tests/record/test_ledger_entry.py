"""What is registered of a run folder is what its forecast says, and nothing that was patched up."""

import json
import shutil

import pytest
from posteriors import small_posterior

from beliefs import StudyError, forecast, load_interventions, summarise
from beliefs.records.files import document_hash, read_manifest
from beliefs.records.ledger.register import Forecast, entry_of
from beliefs.records.run import read_parts, save_run


@pytest.fixture
def copy(run_folder, tmp_path):
    return shutil.copytree(run_folder, tmp_path / "run")


def edited(folder, *, hashed=True, **changes):
    """The run folder with keys of forecast.json replaced, and its hash in manifest.json."""
    file, other = folder / "forecast.json", folder / "manifest.json"
    document = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(document))
    if hashed:
        manifest = json.loads(other.read_text()) | {"forecast_sha256": document_hash(document)}
        other.write_text(json.dumps(manifest))
    return folder


def test_everything_that_identifies_a_forecast_is_registered(run_folder):
    document = json.loads((run_folder / "forecast.json").read_text())
    manifest, entry = read_manifest(run_folder), entry_of(run_folder)
    (study, theory), said = read_parts(run_folder, manifest), json.loads(entry.model_dump_json())
    for key in ("study", "study_sha256", "as_of", "origin", "theory", "theory_sha256", "hindcast"):
        assert said[key] == document[key]
    assert entry.study_sha256 == study.sha256 and entry.theory_sha256 == theory.sha256
    assert entry.posterior_sha256 == manifest["posterior_content_sha256"]
    assert entry.beliefs_version == manifest["versions"]["beliefs"]
    assert (entry.seed, entry.horizon, entry.step_days) == ({"fit": 3, "forecast": 5}, 35, 1)
    assert entry_of(run_folder, horizon=20).seed == entry.seed  # the run's own
    assert entry.label_rule == study.spec.talks_rule.headline
    assert [rule["id"] for rule in entry.label_rules] == ["any", "direct"]
    assert entry.forecast_sha256 == document_hash(document) == manifest["forecast_sha256"]
    assert len(said["targets"]) == len(document["targets"]) > 6
    for ours, theirs in zip(said["targets"], document["targets"], strict=True):
        assert {key: ours[key] for key in theirs} == theirs


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"study_sha256": "0" * 64}, "study_sha256"),
        ({"seed": {"fit": 3, "forecast": 6}}, "seed"),
        ({"targets": [{"target": "talks"}]}, "targets.0"),
        ({"format": 1}, "format 1"),
        *(({"p": p}, "targets.2.p") for p in (1.2, None)),
        ({"by": "2026-03-01"}, "targets by days after"),
        ({"p": 0.123456}, "as it was written"),
    ],
)
def test_a_document_of_another_run_or_edited_after_it_is_refused(copy, changes, named):
    if changes.keys() <= {"p", "by"}:  # of a target
        targets = json.loads((copy / "forecast.json").read_text())["targets"]
        targets[2] |= changes
        changes = {"targets": targets}
    with pytest.raises(StudyError, match=r"forecast\.json in the run folder is damaged") as caught:
        entry_of(edited(copy, hashed=named != "as it was written", **changes))
    assert named in str(caught.value)


def test_a_run_of_before_its_forecast_was_hashed_is_registered(copy):
    manifest = read_manifest(copy)
    del manifest["forecast_sha256"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert entry_of(copy).forecast_sha256


def test_a_what_if_is_refused(rich_folder, tmp_path):
    few = small_posterior(rich_folder, "base_rate", size=(2, 50))
    file = tmp_path / "plan.toml"
    file.write_text('[[intervention]]\nkind = "waiver"\ndate = 2026-03-05\n')
    how = {"interventions": load_interventions(file), "actions": False, "allow_failed": True}
    result = forecast(few, 7, seed=5, **how)
    run = save_run(tmp_path / "run", few, forecast=result, summary=summarise(result))
    with pytest.raises(StudyError, match="a what-if cannot be registered"):
        entry_of(run)


def test_a_line_of_an_earlier_version_says_what_it_said(run_folder):
    entry = entry_of(run_folder)
    line = json.loads(entry.model_dump_json())
    line["gate"], line["conduct_rules"] = line.pop("convergence"), line.pop("action_rules")
    assert Forecast.model_validate_json(json.dumps(line)) == entry
