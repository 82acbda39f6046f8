"""Studies that cannot be used: files, settings, rows and what is said of actions."""

from broken import (  # noqa: I001
    A, C, Case, E, I, S, T, add, agree, as_file, as_folder, both, cov, drop, eve, grow, ind, link,
    put, recode, swap, talk, toml,
)  # fmt: skip
from make_actions import HEADER

MB = 2**20
PRICE = "price,2026-02-28,,118.018"
FIRST = "G1,2026-01-20,,truce,announced,1,2026-02-10,,,,,high,"
ENDED = "G1,2026-01-20,,truce,announced,1,,2026-02-01,2026-02-02,extended_mutual,,high,"
# Missing, not files, not text, or not tables.
FILES = [
    Case("not a folder", "", as_file),
    *(Case(f"no {name}", name, drop(name)) for name in (S, I, E, T, "SOURCES.md")),
    Case("empty sources", "SOURCES.md:1", put("SOURCES.md", b"\n")),
    Case("link out of the folder", "events.csv", link(E)),
    Case("link to a device", "indicators.csv", link(I, "/dev/zero")),
    Case("folder, not a file", "talks.csv", as_folder(T)),
    Case("huge file", "events.csv", grow(E, 65 * MB)),
    Case("hole of 50 MB", "indicators.csv:212 byte 1", grow(I, 50 * MB, b"\n")),
    Case("NUL byte", "talks.csv:1 byte 9", put(T, b"talk_id,\x00")),
    Case("UTF-16", "talks.csv:1 byte 4", recode(T, "utf-16")),
    Case("Latin-1", "talks.csv:2 byte 45", recode(T, "latin-1")),
    Case("only a header, coverage", "coverage.csv:1",
         put(C, b"start,end,density,instrument,note\n")),
    Case("missing column", "events.csv:1 column zone", eve(",zone", "")),
    Case("extra column", "indicators.csv:1 column n", ind("value", "value,n")),
    Case("no header", "indicators.csv:1 column indicator",
         ind("indicator,date,published_at,value\n", "")),
    Case("cell left out", "indicators.csv:36 column 3", ind(",100.0\n", "\n")),
    Case("open quotation mark", "talks.csv:3 column 1", talk("T2,", '"T2,')),
    Case("endless cell", "talks.csv:3 column 1", talk("T2,", '"T2,' + "x\n" * 99999)),
]  # fmt: skip
# No TOML, of the wrong type, or in contradiction to each other, the words or time.
SETTINGS = [
    # TOML itself
    Case("not TOML", "study.toml:2 column 8", toml('name = "small"', "name = small")),
    Case("brackets without end", "study.toml:1 column 1", add(S, f"x = {'[' * 3000}")),
    Case("number of 5000 digits", "study.toml:1 column 1", add(S, f"x = {'9' * 5000}")),
    # Keys and types
    Case("newer format", "study.toml:1 format", toml("format = 1", "format = 2")),
    Case("no period", "study.toml:1 period",
         toml('[period]\nstart = 2026-01-05\nend = 2026-03-01\nstep = "day"', "")),
    Case("unknown key", "study.toml:37 indicators[0].halflive", toml("halflife", "halflive")),
    Case("text for a number", "study.toml:37 indicators[0].halflife",
         toml("halflife = 5", 'halflife = "5"')),
    Case("week for a date", "study.toml:9 period.end",
         toml("end = 2026-03-01", 'end = "2026-W09-7"')),
    Case("number for a truth value", "study.toml:5 hindcast",
         toml("hindcast = false", "hindcast = 0")),
    Case("name with a path", "study.toml:2 name", toml('name = "small"', 'name = "../small"')),
    Case("direction of 2", "study.toml:38 indicators[0].direction.north",
         toml("north = 1, south", "north = 2, south")),
    # Period
    Case("ends before it starts", "study.toml:9 period.end",
         toml("end = 2026-03-01", "end = 2025-03-01")),
    Case("period of 200 years", "study.toml:9 period.end",
         toml("start = 2026-01-05", "start = 1826-01-05")),
    # Sides
    Case("shared party", "study.toml:29 sides[1].forces",
         toml('forces = ["south"]', 'forces = ["israel"]')),
    Case("unknown actor", "study.toml:28 sides[1].actors",
         toml('actors = ["south"]', 'actors = ["east"]')),
    Case("unknown side reads", "study.toml:38 indicators[0].direction",
         toml("south = -1 }", "east = -1 }")),
    # Indicators and channels
    Case("indicator twice", "study.toml:55 indicators[2]", toml('id = "ships"', 'id = "poll"')),
    Case("read but unseen", "study.toml:51 indicators[1].direction",
         toml("direction = { north = 1 }", "direction = { south = 1 }")),
    Case("filter of a series", "study.toml:39 indicators[0].kinds",
         toml('own = ["north"]', 'kinds = ["strike"]')),
    Case("channel of no event", "study.toml:78 channels[0].id",
         toml('id = "action"', 'id = "rumour"')),
    Case("share of something negative", "indicators.csv:36 column value",
        both(toml('"log"', '"identity"'), swap("indicators.csv", ",100.0", ",-1")),
    ),
    # Words of the study
    Case("mistyped format", "study.toml:101 talks_rule.rules[0].formats",
         toml('"us_present", "indirect"]', '"us_present", "indirct"]')),
    Case("unknown zone", "events.csv:2 column zone",
        both(
            toml('= ["us_present"]', '= ["us_present"]\nzones = ["coast"]'),
            swap(E, ",other,high", ",hill,high"),
        ),
    ),
    Case("unknown covariate", "study.toml:141 reference.talks",
         add(S, "[reference]\ntalks = { us_actr = 1 }\n")),
    # Regimes and shocks
    Case("regimes overlap", "study.toml:121 regimes[1].start",
         toml("start = 2026-02-03", "start = 2026-02-02")),
    Case("after an unknown regime", "study.toml:123 regimes[1].after",
         toml('after = "clashes"', 'after = "clash"')),
    Case("regime published early", "study.toml:124 regimes[1].published_at",
         toml("published_at = 2026-02-04", "published_at = 2026-02-02")),
    Case("shock twice", "study.toml:135 shocks[1]", toml('id = "embargo"', 'id = "cabinet"')),
]  # fmt: skip
TABLES = [
    # Dates
    Case("impossible day", "indicators.csv:90 column date", ind("2026-02-28", "2026-02-30")),
    Case("day number of a spreadsheet", "indicators.csv:90 column date",
         ind("2026-02-28", "46081")),
    Case("rows out of order", "indicators.csv:90 column date", ind("2026-02-28", "2026-02-01")),
    Case("revision before its value", "indicators.csv:91 column published_at",
        ind(PRICE, "price,2026-02-28,2026-03-09,1\nprice,2026-02-28,2026-03-05,2"),
    ),
    Case("value before its date", "indicators.csv:90 column published_at",
         ind("02-28,,", "02-28,2026-02-27,")),
    # Numbers
    Case("NaN", "indicators.csv:36 column value", ind(",100.0\n", ",nan\n")),
    Case("percentage under logit", "indicators.csv:94 column value", ind(",0.4\n", ",40\n")),
    Case("strike without severity", "events.csv:5 column severity", eve("strike,4", "strike,")),
    # Words
    Case("undeclared indicator", "indicators.csv:90 column indicator",
         ind(PRICE, "prize,2026-02-28,,1")),
    Case("rows of a counted indicator", "indicators.csv:212 column indicator",
         add(I, "attacks,2026-03-01,,1\n")),
    Case("unknown kind", "events.csv:8 column kind", eve("assassination", "murder")),
    Case("unknown channel", "events.csv:4 column channel", eve("private", "secret")),
    # Duplicates
    Case("row twice", "indicators.csv:91 column date", ind(PRICE, f"{PRICE}\n{PRICE}")),
    Case("row twice by its lag", "indicators.csv:123 column date",
        ind("ships,2025-12-02,,22", "ships,2025-12-02,,22\nships,2025-12-02,2025-12-05,9"),
    ),
    Case("event id twice", "events.csv:13 column event_id", eve("E12", "E11")),
    # Coverage
    Case("gap of coverage", "coverage.csv:5 column start", cov("2026-02-01", "2026-02-03")),
    Case("coverage begins late", "coverage.csv:2 column start",
        both(
            cov("2025-11-06,2025-12-01,headline,papers,large events only\n", ""),
            cov("2025-12-02", "2026-01-06"),
        ),
    ),
    Case("span ends early", "coverage.csv:4 column end", cov("2026-01-31", "2026-01-01")),
    Case("no instrument", "coverage.csv:6 column instrument", cov("wire", "")),
]  # fmt: skip
ACTIONS = [
    # Settings
    Case("unknown actions key", "study.toml:141 strikes.min_severty",
         add(S, "[strikes]\nmin_severty = 2\n")),
    Case("no matter of the agenda", "study.toml:140 agenda", add(S, "[agenda]\n")),
    Case("unknown hinge", "study.toml:141 hinge.indicator",
         add(S, '[hinge]\nindicator = "prise"\nlevel = 1\n')),
    Case("pressure without a direction", "study.toml:141 pressure.south",
         add(S, '[pressure]\nsouth = ["poll"]\n')),
    Case("spoiler twice", "study.toml:143 spoilers[1]",
         add(S, '[[spoilers]]\nevent = "E1"\nattributed_at = 2026-02-02\n' * 2)),
    # Rows
    Case("agreements without their table", "study.toml:1 agreements",
         put(A, f"{HEADER}\n{FIRST}\n".encode())),
    Case("unknown ending", "agreements.csv:2 column end_kind",
         agree(ENDED.replace("extended_mutual", "extended"))),
    Case("agreement neither mutual nor not", "agreements.csv:2 column mutual",
         agree(FIRST.replace("announced,1", "announced,"))),
    Case("end published early", "agreements.csv:2 column end_published_at",
         agree(ENDED.replace("2026-02-02", "2026-01-31"))),
    Case("continues nothing", "agreements.csv:2 column parent",
         agree(FIRST.replace(",,high", ",G0,high"))),
    Case("continues what is in force", "agreements.csv:3 column parent",
        agree(FIRST, FIRST.replace("G1", "G2").replace(",,high", ",G1,high")),
    ),
    Case("continues what ends later", "agreements.csv:3 column parent",
        agree(ENDED, "G2,2026-02-01,,truce,announced,1,,,,,G1,high,")
    ),
]  # fmt: skip
