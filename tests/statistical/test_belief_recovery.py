"""Additions to belief and talks are found again in studies drawn from them.

A posterior that equals its prior covers as well as any; so each test also asks that the data moved
every one of the parameters.
"""

import pytest
from belief_recovery import GROUPS, recover

pytestmark = pytest.mark.statistical

LEARNT = 0.2  # contraction of the prior: twice what a claim needs to be judged at all
SEED = 40


@pytest.mark.parametrize("group", GROUPS)
def test_additions_to_belief_and_talks_are_recovered(group):
    found = recover(group, SEED)
    assert not found.missed()
    assert min(found.contraction.values()) > LEARNT, found.contraction
