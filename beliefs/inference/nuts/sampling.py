"""Settings and seeds of the sampler; apart from `fit`, so that commands load no sampler."""

from dataclasses import dataclass

from beliefs.errors import StudyError

MAX_SEED = 2**64 - 1
"""The largest seed: the sampler and the files of runs hold 64 bits."""


def checked_seed(seed: int) -> int:
    """Return a seed; a `StudyError` before any work where it cannot be used and kept."""
    whole = hasattr(seed, "__index__") and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) <= MAX_SEED:
        raise StudyError(
            "the seed cannot be used", where="seed", found=repr(seed),
            expected=f"a whole number from 0 to {MAX_SEED}", fix="choose another seed",
        )  # fmt: skip
    return int(seed)


@dataclass(frozen=True)
class Sampling:
    """Settings of the sampler.

    Attributes
    ----------
    draws, tune, chains
        Kept draws and tuning steps per chain; number of chains.
    cores
        Chains run at once. It changes the time taken, not the draws.
    target_accept
        Aimed-at acceptance rate of NUTS.
    attempts
        How often to sample at most: where R-hat or ESS alone fail, anew with twice the draws.
    """

    draws: int = 1200
    tune: int = 700
    chains: int = 4
    cores: int = 2
    target_accept: float = 0.92
    attempts: int = 2
