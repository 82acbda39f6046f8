"""WHAT FOLLOWS: posteriors and their convergence checks."""

import beliefs.model  # noqa: F401  settles where compiled code is kept
