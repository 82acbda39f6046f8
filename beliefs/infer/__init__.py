"""What follows: the posterior and its gate."""

import beliefs.mechanism  # noqa: F401  settles where compiled code is kept
