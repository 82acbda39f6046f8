"""A theory whose whole posterior a grid holds."""

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
