"""A verdict follows the data: it flips when the sign of what generates them does."""

from collections import Counter

import pytest
from claim_flips import Case, judgeable

pytestmark = [pytest.mark.slow, pytest.mark.statistical]

CLAIMS = judgeable()
FEWEST = 20


@pytest.fixture(scope="module")
def verdicts():
    """Claim -> verdicts in a study in which it is true, and in one in which it is false."""
    out = {}
    for claim in CLAIMS:
        case = Case(claim)
        out[claim.id] = tuple(case.verdict(true, seed=1).verdict for true in (True, False))
    return out


def test_at_least_twenty_verdicts_flip(verdicts):
    flipped = [k for k, v in verdicts.items() if v == ("supported", "contradicted")]
    assert len(flipped) >= FEWEST, Counter(verdicts.values())


def test_no_verdict_is_the_wrong_way_round(verdicts):
    wrong = {k: v for k, v in verdicts.items() if v[0] == "contradicted" or v[1] == "supported"}
    assert not wrong
