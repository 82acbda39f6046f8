"""Settings of the sampler; apart from `fit`, so that the command line need not load a sampler."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Sampling"]


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
        How often to sample at most: when R-hat or ESS alone keep a posterior from its gate, it is
        sampled anew with twice the draws. Divergences are no matter of length and are not retried.
    """

    draws: int = 1200
    tune: int = 700
    chains: int = 4
    cores: int = 2
    target_accept: float = 0.92
    attempts: int = 2
