"""Claims are data: all stated ones have a test, none is known to the code, none is presumed."""

import ast
import csv
import re
from pathlib import Path

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.evaluation.claims.claims import load_claims
from beliefs.evaluation.claims.expressions import Absent
from beliefs.evaluation.claims.functionals import PATHS, quantities_of, setting_of
from beliefs.evaluation.claims.judge import Seen, roles_of
from beliefs.features.inputs import build_inputs
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.judging import judged
from beliefs.model.structure import columns, conduct_columns, structure_of
from beliefs.model.theory import conduct_parameters, free_parameters
from beliefs.study.bundled import data_folder
from beliefs.study.load import load_study

ROOT = Path(__file__).parent.parent.parent
ID = re.compile(r"\bC[0-5][0-9]\b")
CLAIMS = load_claims()
TABLE = (data_folder() / "claims.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def inputs():
    return build_inputs(load_study("us-iran-2026"))


def test_every_stated_claim_has_a_test():
    with (data_folder() / "claims.csv").open(encoding="utf-8", newline="") as file:
        stated = [row["id"] for row in csv.DictReader(file)]
    assert len(stated) == 56 and [claim.id for claim in CLAIMS] == stated


def hard_coded(source, *, sources_allowed):
    """Claim ids in the code of a module: not in docstrings, nor in what a parameter cites."""
    tree = ast.parse(source)
    spoken = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):  # docstrings, of attributes too
            spoken |= {id(part.value) for part in body if isinstance(part, ast.Expr)}
        if sources_allowed and isinstance(node, ast.Call):
            if getattr(node.func, "id", "") == "Parameter":
                spoken |= {id(part) for part in ast.walk(node)}
    return [
        f"line {node.lineno}: {node.value!r}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in spoken
        and ID.search(node.value)
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "beliefs").rglob("*.py")), ids=lambda p: p.stem)
def test_no_code_knows_a_claim_by_its_name(path):
    found = hard_coded(path.read_text(encoding="utf-8"), sources_allowed="mechanisms" in path.parts)
    assert not found, f"{path}: {found}"


def test_the_rule_sees_a_claim_in_code():
    assert hard_coded('if claim.id == "C05":\n    pass', sources_allowed=True)
    assert hard_coded('x = {"C05": 1}', sources_allowed=True)
    assert not hard_coded('"""About C05."""\nx = 1', sources_allowed=False)
    assert not hard_coded('Parameter("a", "C05")', sources_allowed=True)
    assert hard_coded('Parameter("a", "C05")', sources_allowed=False)


def test_no_prior_presumes_the_answer(inputs):
    structure = structure_of(inputs)
    roles = roles_of(structure)
    setting = setting_of(
        structure, columns(inputs), conduct_columns(inputs), int(inputs.active.sum())
    )
    presumed = {}
    for name in dict.fromkeys(claim.theory for claim in CLAIMS):
        theory = judged(name)
        free = [p for p in free_parameters(theory, structure) if p.name != "innovation"]
        known = coordinates_of([*free, *conduct_parameters(theory, structure)], structure)
        scores = np.random.default_rng(1).standard_normal((4000, known.size))
        draws = quantities_of(known.params(scores), theory, setting)
        for claim in CLAIMS:
            paths = claim.region is not None and set(claim.region.names) & set(PATHS)
            if claim.theory == name and claim.region is not None and not paths:
                p = float(claim.region.scalar(draws, roles).mean())
                if not 0.02 < p < 0.98:
                    presumed[claim.id] = p
                spread = [e(draws, roles).flat.std(axis=0).min() for e in claim.of]
                assert min(spread) > 0.0, f"{claim.id}: what it is about is not free"
    assert not presumed


def test_what_claims_need_and_count_are_columns_of_a_study(inputs):
    structure = structure_of(inputs)
    seen = Seen({**columns(inputs), **conduct_columns(inputs)}, structure)
    for claim in CLAIMS:
        for item in (*claim.needs, *claim.count):
            try:
                item.expression(seen, roles_of(structure))
            except Absent as gone:
                pytest.fail(f"{claim.id}: no column or label {gone}")


def test_only_claims_about_forecasts_alone_have_no_region():
    for claim in CLAIMS:
        assert (claim.region is None) == (claim.kind == ("forecast",)), claim.id
        assert claim.region is None or (claim.of and claim.score), claim.id
        assert ("forecast" in claim.kind) == (claim.forecast is not None), claim.id


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[C05]", "[C57]", "unknown claim"),
        ('region = "min(stalemate) > 0"', 'region = "min(stalemates) > 0"', "unknown parameter"),
        ('region = "min(stalemate) > 0"', 'region = "exec(1)"', "cannot be read"),
        ('neutral = ["stalemate"]', 'neutral = ["gain"]', "unknown parameter"),
        ('neutral = ["stalemate"]', 'neutrals = ["stalemate"]', "not as it should be"),
        ('score = ["periphery"]', 'score = ["weather"]', "unknown observable"),
        ("moves belief by {one:+.3f}", "moves belief by {three:+.3f}", "unknown word"),
        ("moves belief by {one:+.3f}", "moves belief by {one.__class__}", "unknown word"),
        ("limits = [0.05, 0.01]", "limits = [5, 1]", "not as it should be"),
    ],
)
def test_a_wrong_test_is_refused(tmp_path, old, new, message):
    assert old in TABLE
    file = tmp_path / "claims.toml"
    file.write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StudyError, match=message):
        load_claims(tests=file)


def test_a_claim_without_a_test_is_refused(tmp_path):
    file = tmp_path / "claims.toml"
    file.write_text(TABLE.split("[C56]")[0], encoding="utf-8")
    with pytest.raises(StudyError, match="a claim has no test"):
        load_claims(tests=file)
