"""How results show themselves: briefly as text, as a small table in notebooks.

What a long computation says while it runs goes to its `progress`, or else to the log ``beliefs``.
"""

import logging
from collections.abc import Callable
from html import escape
from importlib import import_module
from typing import Any

Say = Callable[[str], None]
to_log: Say = logging.getLogger("beliefs").info


class Shown:
    """A result with a few `_facts` that its text and its HTML are made of."""

    def _facts(self) -> dict[str, Any]:
        """Return what to say of it, by name."""
        raise NotImplementedError

    @property
    def plot(self) -> Any:
        """Figures of it: ``posterior.plot.beliefs()``; see `beliefs.reporting.figures`."""
        return import_module("beliefs.reporting.figures").plots_of(self)  # the last room but one

    def __repr__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self._facts().items())
        return f"<{type(self).__name__}: {facts}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"
