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
# By side the second of two Gaussians that its belief is made of: share, mean, variance in standard
# units of the whole; share 0 where one does. See `filter_pair`.
SHARE0 = 8 * LANES
OTHER0 = 9 * LANES
INNER0 = 10 * LANES
SHARE1 = 11 * LANES
OTHER1 = 12 * LANES
INNER1 = 13 * LANES
# A period's move, and its slope.
KEPT0 = 14 * LANES
KEPT1 = 15 * LANES
DRIFT0 = 16 * LANES
DRIFT1 = 17 * LANES
MISREAD0 = 18 * LANES
MISREAD1 = 19 * LANES
SLOPE0 = 20 * LANES
SLOPE1 = 21 * LANES
# Log predictive densities of a period: readings, talks.
HEARD = 22 * LANES
SAID = 23 * LANES
# What talks depend on.
LOGIT = 24 * LANES
EFFECT = 25 * LANES
IDLE = 26 * LANES
PULL = 27 * LANES
DRAG = 28 * LANES
# Places of belief: root of the covariance, a probability.
ROOT = 29 * LANES
ACROSS = 30 * LANES
REST = 31 * LANES
P = 32 * LANES
# Sums over nodes.
SUM = 33 * LANES
SUM0 = 34 * LANES
SUM1 = 35 * LANES
SUM2 = 36 * LANES
SUM00 = 37 * LANES
SUM01 = 38 * LANES
SUM11 = 39 * LANES
MASS0 = 40 * LANES
MASS1 = 41 * LANES
MASS2 = 42 * LANES
# One reading: its side's belief, its own scale and bias, where nodes are placed, what it says.
BEFORE = 43 * LANES
SPREAD = 44 * LANES
SCALE = 45 * LANES
BIAS = 46 * LANES
LEVEL = 47 * LANES
BEND = 48 * LANES
CENTRE = 49 * LANES
WIDTH = 50 * LANES
TOP = 51 * LANES
NEW_MEAN = 52 * LANES
NEW_VAR = 53 * LANES
LOG = 54 * LANES
# Weight of the lower belief in talks.
CRACK = 55 * LANES
# The log density of a reading at each node; the last rows.
DENSITY = 56 * LANES

ROWS = 56 + MOST_NODES
"""Number of rows."""
