"""The tail of weights, as ArviZ measures it."""

import numpy as np
import pytest

from beliefs.inference.pareto import pareto_k


@pytest.mark.parametrize("n", [50, 226, 400, 2000])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_the_shape_of_the_tail_is_that_of_arviz(n, scale):
    from arviz_stats.base import array_stats

    log_weights = scale * np.random.default_rng(n).standard_normal(n)
    # ArviZ takes log likelihoods that were left out, the negative of log weights.
    theirs = float(array_stats.psislw(-log_weights)[1])
    assert pareto_k(log_weights) == pytest.approx(theirs, abs=1e-10)
    assert pareto_k(log_weights + 700.0) == pytest.approx(theirs, abs=1e-8)


def test_a_known_tail_is_found():
    tails = np.random.default_rng(1).pareto(1 / 0.9, size=500_000) + 1.0
    assert pareto_k(np.log(tails)) == pytest.approx(0.9, abs=0.1)
    assert pareto_k(np.log(np.random.default_rng(1).uniform(1, 2, 500_000))) < 0.0


def test_equal_weights_have_no_tail_and_too_few_none_that_can_be_fitted():
    assert pareto_k(np.zeros(500)) == -np.inf
    assert pareto_k(np.log(np.arange(1.0, 20.0))) == np.inf
