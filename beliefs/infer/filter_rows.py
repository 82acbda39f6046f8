"""Where the filter keeps the numbers of a batch of particles: rows of one flat array.

A row has one number for each of `LANES` particles; a name here is the place of its first. They are
plain integers, so that the compiler knows them.
"""

from __future__ import annotations

LANES = 32
"""Particles of a batch: a multiple of what any processor takes at once."""
MOST = 600
"""Most places at which a reading sharper than the belief is evaluated."""
MOST_NODES = 64
"""Most Gauss-Hermite nodes of a reading."""

# Belief, and variances of its moves.
MEAN0 = 0 * LANES
MEAN1 = 1 * LANES
VAR0 = 2 * LANES
COV = 3 * LANES
VAR1 = 4 * LANES
NOISE0 = 5 * LANES
NOISE1 = 6 * LANES
PROCESS = 7 * LANES
# A period's move, and its slope.
KEPT0 = 8 * LANES
KEPT1 = 9 * LANES
DRIFT0 = 10 * LANES
DRIFT1 = 11 * LANES
MISREAD0 = 12 * LANES
MISREAD1 = 13 * LANES
SLOPE0 = 14 * LANES
SLOPE1 = 15 * LANES
# Log predictive densities of a period: readings, talks.
HEARD = 16 * LANES
SAID = 17 * LANES
# What talks depend on.
LOGIT = 18 * LANES
EFFECT = 19 * LANES
IDLE = 20 * LANES
PULL = 21 * LANES
DRAG = 22 * LANES
# Places of belief: root of the covariance, a probability.
ROOT = 23 * LANES
ACROSS = 24 * LANES
REST = 25 * LANES
P = 26 * LANES
# Sums over nodes.
SUM = 27 * LANES
SUM0 = 28 * LANES
SUM1 = 29 * LANES
SUM2 = 30 * LANES
SUM00 = 31 * LANES
SUM01 = 32 * LANES
SUM11 = 33 * LANES
MASS0 = 34 * LANES
MASS1 = 35 * LANES
MASS2 = 36 * LANES
# One reading: its side's belief, its own scale and bias, where nodes are placed, what it says.
BEFORE = 37 * LANES
SPREAD = 38 * LANES
SCALE = 39 * LANES
BIAS = 40 * LANES
LEVEL = 41 * LANES
BEND = 42 * LANES
CENTRE = 43 * LANES
WIDTH = 44 * LANES
TOP = 45 * LANES
NEW_MEAN = 46 * LANES
NEW_VAR = 47 * LANES
LOG = 48 * LANES
# Weight of the lower belief in talks.
CRACK = 49 * LANES
# The log density of a reading at each node; the last rows.
DENSITY = 50 * LANES

ROWS = 50 + MOST_NODES
"""Number of rows."""
