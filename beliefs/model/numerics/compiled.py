"""What numba compiles of the equations, for whoever compiles them into something larger."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from numba.extending import register_jitable

from beliefs.model.contract import logistic
from beliefs.model.numerics import recurrence

__all__ = ["source_salt"]

# numba compiles the very functions that NumPy calls, so that the equation stands once.
for _equation in (logistic, recurrence.gate, recurrence.carry, recurrence.step):
    register_jitable(_equation)


def source_salt(*modules: Any) -> int:
    """Return a number that changes with the source of the modules.

    PyTensor caches compiled operations on disk by name alone; without a salt, an edited operation
    would go on running its old machine code.
    """
    text = b"".join(Path(module.__file__).read_bytes() for module in modules)
    return int(hashlib.sha256(text).hexdigest()[:12], 16)
