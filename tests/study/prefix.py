"""Comparing inputs column by column: what evidence said by t must not change afterwards.

Readings and talks belong to their own dates, and may come out later: of them holds only that
inputs know no row that was not yet published (`assert_same`, on a study without these rows).
"""

import dataclasses

import numpy as np

from beliefs.features.inputs import Inputs

# State at the end of the active periods, and the mask itself: they differ by design.
AT_THE_END = {"scale", "expectation", "last", "level_scale"}
OF_TALKS = ("walkout", "walkout_fresh", "walkout_at_risk", "talks_recent", "spell_age", "deal_near",
            "round_number", "talks_before")  # fmt: skip
BY_DATE = {"reading", "talks", "talks_previous", *(f"observed.{name}" for name in OF_TALKS)}


def columns(inputs: Inputs) -> dict[str, np.ndarray]:
    """Every array of the inputs that has periods as its last axis."""
    found = {}
    for field in dataclasses.fields(inputs):
        value = getattr(inputs, field.name)
        if isinstance(value, np.ndarray) and field.name not in AT_THE_END:
            found[field.name] = value
    for name, array in vars(inputs.observed).items():
        if isinstance(array, np.ndarray):
            found[f"observed.{name}"] = array
    return found


def structure(inputs: Inputs) -> dict[str, object]:
    """Names, counts and shapes: all that must not depend on the as-of date."""
    return {
        name: value.shape if isinstance(value, np.ndarray) else value
        for name, value in {**vars(inputs), **vars(inputs.observed)}.items()
        if name not in ("seeing", "observed")
    }


def assert_same_past(early: Inputs, late: Inputs) -> None:
    """The columns of evidence that were active early are the same late, to the bit."""
    n = int(early.active.sum())
    assert structure(early) == structure(late)
    later = columns(late)
    for name, array in columns(early).items():
        if name in BY_DATE:
            continue
        np.testing.assert_array_equal(array[..., :n], later[name][..., :n], err_msg=name)


def assert_same(one: Inputs, other: Inputs) -> None:
    """All is the same, to the bit."""
    assert structure(one) == structure(other)
    mine, others = ({**vars(i), **vars(i.observed)} for i in (one, other))
    for name, value in mine.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, others[name], err_msg=name)
