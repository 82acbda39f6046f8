"""WHY BELIEFS MOVE: parameters, equations, theories."""

from beliefs.model.numerics.caches import settle_caches

settle_caches()  # before any module here imports Numba or PyTensor
