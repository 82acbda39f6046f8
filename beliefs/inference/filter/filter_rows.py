"""Where the filter keeps the numbers of a batch of particles: rows of one flat array.

A row has one number for each of `BATCH` particles; a name here is the place of its first. They are
plain integers, so that the compiler knows them.
"""

BATCH = 32  # particles of a batch: a multiple of what any processor takes at once
MOST = 600  # most places at which a reading sharper than the belief is evaluated
MOST_NODES = 64  # most Gauss-Hermite nodes of a reading
ROWS = 56 + MOST_NODES

_row = iter(range(0, ROWS * BATCH, BATCH))
# Belief, and variances of its moves.
MEAN0, MEAN1, VAR0, COV, VAR1 = (next(_row) for _ in range(5))
NOISE0, NOISE1, PROCESS = (next(_row) for _ in range(3))
# By side the second Gaussian of its belief: share, mean, variance; see `filter_reading`.
SHARE0, OTHER0, INNER0, SHARE1, OTHER1, INNER1 = (next(_row) for _ in range(6))
# A period's move, and its slope.
KEPT0, KEPT1, DRIFT0, DRIFT1 = (next(_row) for _ in range(4))
MISREAD0, MISREAD1, SLOPE0, SLOPE1 = (next(_row) for _ in range(4))
# Log predictive densities of a period: readings, talks.
LOG_READINGS, LOG_TALKS = next(_row), next(_row)
# What talks depend on.
LOGIT, EFFECT, IDLE, PULL, DRAG, CRACK = (next(_row) for _ in range(6))
# Places of belief: root of the covariance, a probability.
ROOT, ACROSS, REST, P = (next(_row) for _ in range(4))
# Sums over nodes.
SUM, SUM0, SUM1, SUM2, SUM00, SUM01, SUM11 = (next(_row) for _ in range(7))
MASS0, MASS1, MASS2 = (next(_row) for _ in range(3))
# One reading: its side's belief, its own scale and bias, where nodes are placed, what it says.
BEFORE, SPREAD, SCALE, BIAS, LEVEL, SLOPE = (next(_row) for _ in range(6))
CENTRE, WIDTH, TOP, NEW_MEAN, NEW_VAR, LOG = (next(_row) for _ in range(6))
# The log density of a reading at each node; the last rows.
DENSITY = next(_row)
