"""A theory whose whole posterior a grid holds, and how tracks are held against one another."""

import numpy as np

from beliefs.records.files import content_hash

# Two free parameters: the rest null, so that a grid holds the whole posterior.
TOY = """
id = "TOY"
name = "toy"
title = "Two parameters"
source = "test"
beliefs = true
mechanisms = ["belief", "readings", "talks"]
null = ["retention", "initial", "private_bias", "log_reading_step", "onset_base",
  "continuation_base", "surplus_effect", "mediator_effect", "process_share",
  "mediator_late", "announced_effect", "deadlock_shape", "crack_rule", "shift_talks",
  "proxy_credibility"]
"""


def same_bits(one, other):
    """Hold every array of a track against that of another."""
    assert content_hash(one.to_tree()) == content_hash(other.to_tree())


def moments(mass, values):
    """Mean and standard deviation."""
    mean = mass @ values
    return mean, np.sqrt(mass @ (values - mean) ** 2)
