"""The JSON of a forecast keeps to its schema, and the schema would notice if it did not."""

import copy
import json

import jsonschema
import pytest
from posteriors import small_posterior
from pydantic import ValidationError

from beliefs import forecast, probability, summarise
from beliefs.forecasting.summary import Document


@pytest.fixture(scope="module")
def check():
    schema = Document.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def document(futures):
    return summarise(futures)


def test_the_document_fits_the_schema_and_is_read_back(check, document):
    text = json.dumps(document, allow_nan=False)
    check.validate(json.loads(text))
    assert Document.model_validate_json(text).as_dict() == document


def test_the_document_of_a_theory_without_beliefs_fits_and_speaks_of_talks_only(check, rich_folder):
    posterior = small_posterior(rich_folder, "base_rate")
    document = summarise(forecast(posterior, 35, seed=5, actions=False))
    check.validate(document)
    assert {row["target"] for row in document["targets"]} == {"talks"}
    assert document["belief"] == [] and document["crack_grid"] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("format",), 1),
        (("study_sha256",), "abc"),
        (("convergence", "passed"), "yes"),
        (("belief", 0, "mean"), 1.2),
        (("targets", 0, "p"), -0.1),
        (("targets", 0, "target"), "victory"),
        (("targets", 0, "base_rate"), 2),
    ],
)
def test_a_broken_document_does_not_fit(check, document, place, value):
    broken = copy.deepcopy(document)
    spot = broken
    for key in place[:-1]:
        spot = spot[key]
    spot[place[-1]] = value
    assert not check.is_valid(broken)
    with pytest.raises(ValidationError):
        Document.model_validate_json(json.dumps(broken))


def test_every_number_is_that_of_the_api(document, futures):
    for row in document["targets"]:
        asked = probability(futures, row["target"], side=row["side"], by=row["by"])
        assert row["p"] == pytest.approx(asked.p, abs=1e-6)
        assert row["base_rate"] == pytest.approx(asked.base_rate, abs=1e-6)
    assert {row["by"] for row in document["targets"]} == {
        str(futures.dates[6]), str(futures.dates[29]), str(futures.dates[34])
    }  # fmt: skip
