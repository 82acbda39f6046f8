"""Regimes and shocks that contradict each other or time."""

from broken import NEW, Case, S, add, at, both, toml
from make_study import TOML

REGIME = '[[regimes]]\nid = "later"\nkind = "war"\nstart = {start}\nlabel = "L"\n'
LABEL = TOML.split("\n").index('label = "Clashes"') + 1
PAUSE = TOML.split("\n").index("start = 2026-02-03") + 1


def later(start: str) -> str:
    """Return another regime."""
    return REGIME.format(start=start)


CASES = [
    Case(
        "unknown regime kind",
        toml('kind = "truce"', 'kind = "peace"'),
        at('kind = "truce"', "regimes[1].kind"),
        "peace",
        "'truce'",
        "one of",
    ),
    Case(
        "regime ends early",
        toml("end = 2026-02-20", "end = 2026-01-20"),
        at("end = 2026-02-20", "regimes[1].end"),
        "2026-01-20",
        "2026-02-03",
        "correct",
    ),
    Case(
        "regimes overlap",
        toml("start = 2026-02-03", "start = 2026-02-02"),
        at("start = 2026-02-03", "regimes[1].start"),
        "2026-02-02",
        "the day the next",
        "set the end of clashes",
    ),
    Case(
        "open regime, then another",
        toml("end = 2026-02-03\n", ""),
        f"{S}:{PAUSE - 1} regimes[1].start",
        "has no end",
        "only the last is open",
        "set the end of clashes",
    ),
    Case(
        "regimes out of order",
        add(S, later("2026-01-19")),
        f"{S}:{NEW + 3} regimes[2].start",
        "2026-01-19",
        "later than",
        "sort",
    ),
    Case(
        "regime twice",
        add(S, later("2026-02-25").replace("later", "pause")),
        f"{S}:{NEW} regimes[2]",
        "pause",
        "unique",
        "rename",
    ),
    Case(
        "after an unknown regime",
        toml('after = "clashes"', 'after = "clash"'),
        at("after", "regimes[1].after"),
        "clash",
        "clashes, pause",
        "did you mean `clashes`",
    ),
    Case(
        "after itself",
        toml('after = "clashes"', 'after = "pause"'),
        at("after", "regimes[1].after"),
        "pause after pause",
        "earlier",
        "circle",
    ),
    Case(
        "in a circle",
        toml('label = "Clashes"', 'label = "Clashes"\nafter = "pause"'),
        f"{S}:{LABEL + 1} regimes[0].after",
        "clashes after pause after clashes",
        "earlier",
        "circle",
    ),
    Case(
        "after a later regime",
        both(
            toml('label = "Clashes"', 'label = "Clashes"\nafter = "pause"'),
            toml('after = "clashes"\n', ""),
        ),
        f"{S}:{LABEL + 1} regimes[0].after",
        "clashes after pause",
        "earlier",
        "order",
    ),
    Case(
        "regime published early",
        toml("published_at = 2026-02-04", "published_at = 2026-02-02"),
        at("published_at", "regimes[1].published_at"),
        "2026-02-02",
        "on or after",
        "leave published_at out",
    ),
    Case(
        "shock published early",
        toml("published_at = 2026-02-01", "published_at = 2026-01-01"),
        at("published_at", "shocks[0].published_at", 2),
        "2026-01-01",
        "on or after",
        "leave published_at out",
    ),
    Case(
        "unknown kind of shock",
        toml('"turnover"', '"coup"'),
        at('"turnover"', "shocks[0].kind"),
        "coup",
        "'escalation'",
        "one of",
    ),
    Case(
        "shock twice",
        toml('id = "embargo"', 'id = "cabinet"'),
        at("[[shocks]]", "shocks[1]", 2),
        "cabinet",
        "unique",
        "rename",
    ),
]
