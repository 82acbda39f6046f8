"""Settings that calls share across threads end as they began."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from beliefs.errors import StudyError
from beliefs.inference.nuts.sampling import MAX_SEED, checked_seed
from beliefs.model.priors import Prior, no_fastmath


def test_calls_that_overlap_in_threads_stay_exact_and_leave_the_setting_as_it_was():
    import pytensor

    seen, inside, done = [], threading.Barrier(2), threading.Event()

    @no_fastmath
    def first():
        inside.wait()

    @no_fastmath
    def second():
        inside.wait()
        done.wait()  # goes on after the first has ended
        seen.append(pytensor.config.numba__fastmath)

    with pytensor.config.change_flags(numba__fastmath=True):
        threads = [threading.Thread(target=call) for call in (first, second)]
        threads[0].start()
        threads[1].start()
        threads[0].join()
        done.set()
        threads[1].join()
        assert seen == [False]
        assert pytensor.config.numba__fastmath is True

        @no_fastmath
        def fails():
            raise ValueError

        with pytest.raises(ValueError):
            fails()
        assert pytensor.config.numba__fastmath is True


def test_a_prior_computes_exactly_wherever_it_is_first_asked():
    import pytensor

    seen, prior = [], Prior("Normal", 0.0, 1.0)
    prior.built = SimpleNamespace(ppf=lambda q: seen.append(pytensor.config.numba__fastmath))
    with pytensor.config.change_flags(numba__fastmath=True):
        prior.ppf(0.5)
    assert seen == [False]


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.0, "1", True, None])
def test_a_seed_that_cannot_be_kept_is_refused(seed):
    with pytest.raises(StudyError, match="the seed cannot be used"):
        checked_seed(seed)
    assert checked_seed(MAX_SEED) == 2**64 - 1 and type(checked_seed(np.int64(3))) is int
