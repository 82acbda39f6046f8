"""Settings that contradict each other, the code book or the tables."""

from broken import Case, E, S, add, both, swap, toml
from make_study import TOML

INDICATOR = "indicators[0]"
SIDE = TOML[TOML.index('[[sides]]\nid = "south"') : TOML.index("[[indicators]]")]
FIRST = TOML[TOML.index("[[indicators]]") : TOML.index('[[indicators]]\nid = "poll"')]

CASES = [
    # Sides
    Case("one side", toml(SIDE, "")),
    Case("three sides", toml(SIDE, SIDE + SIDE.replace("south", "east"))),
    Case("side twice", toml('id = "south"', 'id = "north"')),
    Case("shared party", toml('forces = ["south"]', 'forces = ["israel"]')),
    Case("unknown actor", toml('actors = ["south"]', 'actors = ["east"]')),
    Case("unknown side reads", toml("south = -1 }", "east = -1 }")),
    Case("unknown side owns", toml('own = ["north"]', 'own = ["nort"]')),
    Case("unknown side pays", toml('cost = ["south"]', 'cost = ["east"]')),
    Case("unknown side sees", toml('seen_by = ["north"]', 'seen_by = ["east"]')),
    Case("unknown side in a shock", toml('side = "south"\nlabel', 'side = "east"\nlabel')),
    Case(
        "unknown side in a channel", toml('side = "south"\nindicator', 'side = "east"\nindicator')
    ),
    # Indicators and channels
    Case("indicator twice", toml('id = "ships"', 'id = "poll"')),
    Case("own but unread", toml("north = 1, south", "south")),
    Case("read but unseen", toml("direction = { north = 1 }", "direction = { south = 1 }")),
    Case("filter of a series", toml('own = ["north"]', 'kinds = ["strike"]')),
    Case("events of no kind", toml('kinds = ["strike", "missile_drone_attack"]\n', "")),
    Case("events without measure", toml('measure = "severity"\n', "")),
    Case("unknown kind to count", toml('"missile_drone_attack"', '"missile"')),
    Case("unknown initiator to count", toml('initiator = ["south"]', 'initiator = ["east"]')),
    Case("log of a count of events", toml('"count"\ninitiator', '"log"\ninitiator')),
    Case("channel of no event", toml('id = "action"', 'id = "rumour"')),
    Case("channel twice", toml('id = "market"', 'id = "action"')),
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
    Case("rule twice", toml('id = "direct"', 'id = "any"')),
    Case("unknown label in a rule", toml('"back_channel"', '"backchannel"')),
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
]
