"""Studies that cannot be used: files, settings, rows and what is said of actions.

The last case of each part is tried on the command line as well.
"""

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
    Case("not a folder", as_file),
    *(Case(f"no {name}", drop(name)) for name in (S, I, E, T, "SOURCES.md")),
    Case("empty sources", put("SOURCES.md", b"\n")),
    Case("link out of the folder", link(E)),
    Case("link to a device", link(I, "/dev/zero")),
    Case("folder, not a file", as_folder(T)),
    Case("huge file", grow(E, 65 * MB)),
    Case("line of 50 MB", grow(I, 50 * MB, b"\n")),
    Case("NUL byte", put(T, b"talk_id,\x00")),
    Case("UTF-16", recode(T, "utf-16")),
    Case("Latin-1", recode(T, "latin-1")),
    Case("only a header, coverage", put(C, b"start,end,density,instrument,note\n")),
    Case("missing column", eve(",zone", "")),
    Case("extra column", ind("value", "value,n")),
    Case("no header", ind("indicator,date,published_at,value\n", "")),
    Case("cell left out", ind(",100.0\n", "\n")),
    Case("open quotation mark", talk("T2,", '"T2,')),
    Case("endless cell", talk("T2,", '"T2,' + "x\n" * 99999)),
]
# No TOML, of the wrong type, or in contradiction to each other, the words or time.
SETTINGS = [
    # TOML itself
    Case("not TOML", toml('name = "small"', "name = small")),
    Case("brackets without end", add(S, f"x = {'[' * 3000}")),
    Case("number of 5000 digits", add(S, f"x = {'9' * 5000}")),
    # Keys and types
    Case("newer format", toml("format = 1", "format = 2")),
    Case("no period", toml('[period]\nstart = 2026-01-05\nend = 2026-03-01\nstep = "day"', "")),
    Case("unknown key", toml("halflife", "halflive")),
    Case("text for a number", toml("halflife = 5", 'halflife = "5"')),
    Case("week for a date", toml("end = 2026-03-01", 'end = "2026-W09-7"')),
    Case("number for a truth value", toml("hindcast = false", "hindcast = 0")),
    Case("name with a path", toml('name = "small"', 'name = "../small"')),
    Case("direction of 2", toml("north = 1, south", "north = 2, south")),
    # Period
    Case("ends before it starts", toml("end = 2026-03-01", "end = 2025-03-01")),
    Case("period of 200 years", toml("start = 2026-01-05", "start = 1826-01-05")),
    # Sides
    Case("shared party", toml('forces = ["south"]', 'forces = ["israel"]')),
    Case("unknown actor", toml('actors = ["south"]', 'actors = ["east"]')),
    Case("unknown side reads", toml("south = -1 }", "east = -1 }")),
    # Indicators and channels
    Case("indicator twice", toml('id = "ships"', 'id = "poll"')),
    Case("read but unseen", toml("direction = { north = 1 }", "direction = { south = 1 }")),
    Case("filter of a series", toml('own = ["north"]', 'kinds = ["strike"]')),
    Case("channel of no event", toml('id = "action"', 'id = "rumour"')),
    Case(
        "share of something negative",
        both(toml('"log"', '"identity"'), swap("indicators.csv", ",100.0", ",-1")),
    ),
    # Words of the study
    Case("mistyped format", toml('"us_present", "indirect"]', '"us_present", "indirct"]')),
    Case(
        "unknown zone",
        both(
            toml('= ["us_present"]', '= ["us_present"]\nzones = ["coast"]'),
            swap(E, ",other,high", ",hill,high"),
        ),
    ),
    Case("unknown covariate", add(S, "[reference]\ntalks = { us_actr = 1 }\n")),
    # Regimes and shocks
    Case("regimes overlap", toml("start = 2026-02-03", "start = 2026-02-02")),
    Case("after an unknown regime", toml('after = "clashes"', 'after = "clash"')),
    Case("regime published early", toml("published_at = 2026-02-04", "published_at = 2026-02-02")),
    Case("shock twice", toml('id = "embargo"', 'id = "cabinet"')),
]
TABLES = [
    # Dates
    Case("impossible day", ind("2026-02-28", "2026-02-30")),
    Case("day number of a spreadsheet", ind("2026-02-28", "46081")),
    Case("rows out of order", ind("2026-02-28", "2026-02-01")),
    Case(
        "revision before its value",
        ind(PRICE, "price,2026-02-28,2026-03-09,1\nprice,2026-02-28,2026-03-05,2"),
    ),
    Case("value before its date", ind("02-28,,", "02-28,2026-02-27,")),
    # Numbers
    Case("NaN", ind(",100.0\n", ",nan\n")),
    Case("percentage under logit", ind(",0.4\n", ",40\n")),
    Case("strike without severity", eve("strike,4", "strike,")),
    # Words
    Case("undeclared indicator", ind(PRICE, "prize,2026-02-28,,1")),
    Case("rows of a counted indicator", add(I, "attacks,2026-03-01,,1\n")),
    Case("unknown kind", eve("assassination", "murder")),
    Case("unknown channel", eve("private", "secret")),
    # Duplicates
    Case("row twice", ind(PRICE, f"{PRICE}\n{PRICE}")),
    Case(
        "row twice by its lag",
        ind("ships,2025-12-02,,22", "ships,2025-12-02,,22\nships,2025-12-02,2025-12-05,9"),
    ),
    Case("event id twice", eve("E12", "E11")),
    # Coverage
    Case("gap of coverage", cov("2026-02-01", "2026-02-03")),
    Case(
        "coverage begins late",
        both(
            cov("2025-11-06,2025-12-01,headline,papers,large events only\n", ""),
            cov("2025-12-02", "2026-01-06"),
        ),
    ),
    Case("span ends early", cov("2026-01-31", "2026-01-01")),
    Case("no instrument", cov("wire", "")),
]
ACTIONS = [
    # Settings
    Case("unknown actions key", add(S, "[strikes]\nmin_severty = 2\n")),
    Case("no matter of the agenda", add(S, "[agenda]\n")),
    Case("unknown hinge", add(S, '[hinge]\nindicator = "prise"\nlevel = 1\n')),
    Case("pressure without a direction", add(S, '[pressure]\nsouth = ["poll"]\n')),
    Case("spoiler twice", add(S, '[[spoilers]]\nevent = "E1"\nattributed_at = 2026-02-02\n' * 2)),
    # Rows
    Case("agreements without their table", put(A, f"{HEADER}\n{FIRST}\n".encode())),
    Case("unknown ending", agree(ENDED.replace("extended_mutual", "extended"))),
    Case("agreement neither mutual nor not", agree(FIRST.replace("announced,1", "announced,"))),
    Case("end published early", agree(ENDED.replace("2026-02-02", "2026-01-31"))),
    Case("continues nothing", agree(FIRST.replace(",,high", ",G0,high"))),
    Case(
        "continues what is in force",
        agree(FIRST, FIRST.replace("G1", "G2").replace(",,high", ",G1,high")),
    ),
    Case(
        "continues what ends later", agree(ENDED, "G2,2026-02-01,,truce,announced,1,,,,,G1,high,")
    ),
]
