"""Regimes and shocks that contradict each other or time."""

from broken import Case, S, add, both, toml
from make_study import TOML

REGIME = '[[regimes]]\nid = "later"\nkind = "war"\nstart = {start}\nlabel = "L"\n'
LABEL = TOML.split("\n").index('label = "Clashes"') + 1
PAUSE = TOML.split("\n").index("start = 2026-02-03") + 1


def later(start: str) -> str:
    """Return another regime."""
    return REGIME.format(start=start)


CASES = [
    Case("unknown regime kind", toml('kind = "truce"', 'kind = "peace"')),
    Case("regime ends early", toml("end = 2026-02-20", "end = 2026-01-20")),
    Case("regimes overlap", toml("start = 2026-02-03", "start = 2026-02-02")),
    Case("open regime, then another", toml("end = 2026-02-03\n", "")),
    Case("regimes out of order", add(S, later("2026-01-19"))),
    Case("regime twice", add(S, later("2026-02-25").replace("later", "pause"))),
    Case("after an unknown regime", toml('after = "clashes"', 'after = "clash"')),
    Case("after itself", toml('after = "clashes"', 'after = "pause"')),
    Case("in a circle", toml('label = "Clashes"', 'label = "Clashes"\nafter = "pause"')),
    Case(
        "after a later regime",
        both(
            toml('label = "Clashes"', 'label = "Clashes"\nafter = "pause"'),
            toml('after = "clashes"\n', ""),
        ),
    ),
    Case("regime published early", toml("published_at = 2026-02-04", "published_at = 2026-02-02")),
    Case("shock published early", toml("published_at = 2026-02-01", "published_at = 2026-01-01")),
    Case("unknown kind of shock", toml('"turnover"', '"coup"')),
    Case("shock twice", toml('id = "embargo"', 'id = "cabinet"')),
]
