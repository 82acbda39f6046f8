"""Why beliefs move: one file per mechanism."""

from beliefs.mechanism.caches import settle_caches

settle_caches()  # before any module here imports Numba or PyTensor
