"""Settings that are no TOML, of the wrong type, or contradict each other, the words or time."""

from broken import Case, E, S, add, both, put, swap, toml
from make_study import TOML

PRICE = 'id = "price"'
SIDE = TOML[TOML.index('[[sides]]\nid = "south"') : TOML.index("[[indicators]]")]
REGIME = '[[regimes]]\nid = "later"\nkind = "war"\nstart = {start}\nlabel = "L"\n'


def later(start: str) -> str:
    """Return another regime."""
    return REGIME.format(start=start)


CASES = [
    # TOML itself
    Case("empty settings", put(S, b"")),
    Case("not TOML", toml('name = "small"', "name = small")),
    Case("key twice", toml("hindcast", "format = 1\nhindcast")),
    Case("open bracket", toml('actors = ["north"]', 'actors = ["north"')),
    Case("open text", add(S, 'x = "')),
    Case("brackets without end", add(S, f"x = {'[' * 3000}")),
    Case("tables without end", add(S, f"[{'a.' * 3000}a]")),
    Case("number of 5000 digits", add(S, f"x = {'9' * 5000}")),
    Case("integer too large", toml("max_age = 3", f"max_age = {10**30}")),
    Case("not a date", toml("start = 2026-01-05", "start = 2026-02-30")),
    # Keys and types
    Case("newer format", toml("format = 1", "format = 2")),
    Case("no format", toml("format = 1\n", "")),
    Case("no period", toml('[period]\nstart = 2026-01-05\nend = 2026-03-01\nstep = "day"', "")),
    Case("unknown key", toml("halflife", "halflive")),
    Case("unknown table", add(S, "[cracks]\n")),
    Case("text for a number", toml("halflife = 5", 'halflife = "5"')),
    Case("week for a date", toml("end = 2026-03-01", 'end = "2026-W09-7"')),
    Case("time with a zone for a date", toml("end = 2026-03-01", "end = 2026-03-01T00:00:00Z")),
    Case("mistyped year in the settings", toml("end = 2026-03-01", "end = 0226-03-01")),
    Case("number for a truth value", toml("hindcast = false", "hindcast = 0")),
    Case("not a number", toml("halflife = 5", "halflife = nan")),
    Case("name with a path", toml('name = "small"', 'name = "../small"')),
    Case("id in capitals", toml(PRICE, 'id = "Price"')),
    Case("direction of 2", toml("north = 1, south", "north = 2, south")),
    Case("threshold of 1", toml("threshold = 0.5", "threshold = 1.0")),
    # Period
    Case("ends before it starts", toml("end = 2026-03-01", "end = 2025-03-01")),
    Case("period of 200 years", toml("start = 2026-01-05", "start = 1826-01-05")),
    # Sides
    Case("one side", toml(SIDE, "")),
    Case("shared party", toml('forces = ["south"]', 'forces = ["israel"]')),
    Case("unknown actor", toml('actors = ["south"]', 'actors = ["east"]')),
    Case("unknown side reads", toml("south = -1 }", "east = -1 }")),
    Case("unknown side in a shock", toml('side = "south"\nlabel', 'side = "east"\nlabel')),
    # Indicators and channels
    Case("indicator twice", toml('id = "ships"', 'id = "poll"')),
    Case("own but unread", toml("north = 1, south", "south")),
    Case("read but unseen", toml("direction = { north = 1 }", "direction = { south = 1 }")),
    Case("filter of a series", toml('own = ["north"]', 'kinds = ["strike"]')),
    Case("events without measure", toml('measure = "severity"\n', "")),
    Case("log of a count of events", toml('"count"\ninitiator', '"log"\ninitiator')),
    Case("channel of no event", toml('id = "action"', 'id = "rumour"')),
    Case(
        "channel without series",
        toml(
            '[[channels.series]]\nside = "south"\nindicator = "price"\nscale = 50\ninvert = true\n',
            "",
        ),
    ),
    Case("channel of an unknown series", toml('indicator = "price"', 'indicator = "prize"')),
    Case(
        "share of something negative",
        both(toml('"log"', '"identity"'), swap("indicators.csv", ",100.0", ",-1")),
    ),
    # Label rules and kinds
    Case("no such headline", toml('headline = "any"', 'headline = "all"')),
    Case("unknown format in a rule", toml('formats = ["direct"]', 'formats = ["remote"]')),
    Case("unknown hard line", add(S, '[hardline]\nkinds = ["shouting"]\n')),
    # Words of the study
    Case("declared already", toml('actors = ["israel", "gulf_state"]', 'actors = ["mediator"]')),
    Case(
        "unknown zone",
        both(
            toml('= ["us_present"]', '= ["us_present"]\nzones = ["coast"]'),
            swap(E, ",other,high", ",hill,high"),
        ),
    ),
    Case("unknown covariate", add(S, "[reference]\ntalks = { us_actr = 1 }\n")),
    # Regimes and shocks
    Case("regime ends early", toml("end = 2026-02-20", "end = 2026-01-20")),
    Case("regimes overlap", toml("start = 2026-02-03", "start = 2026-02-02")),
    Case("after an unknown regime", toml('after = "clashes"', 'after = "clash"')),
    Case(
        "after a later regime",
        both(
            toml('label = "Clashes"', 'label = "Clashes"\nafter = "pause"'),
            toml('after = "clashes"\n', ""),
        ),
    ),
    Case("regime published early", toml("published_at = 2026-02-04", "published_at = 2026-02-02")),
    Case("shock published early", toml("published_at = 2026-02-01", "published_at = 2026-01-01")),
    Case("shock twice", toml('id = "embargo"', 'id = "cabinet"')),
]
