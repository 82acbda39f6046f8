"""Settings and rows about conduct that no study can use."""

from broken import NEW, Break, Case, S, add, both, put
from make_conduct import HEADER

A = "agreements.csv"
FIRST = "G1,2026-01-20,,truce,announced,1,2026-02-10,,,,,high,"
ENDED = "G1,2026-01-20,,truce,announced,1,,2026-02-01,2026-02-02,extended_mutual,,high,"


def agree(*rows: str) -> Break:
    """Write agreements.csv, and the table that it needs."""
    text = "\n".join([HEADER, *rows]) + "\n"
    return both(add(S, "[agreements]\n"), put(A, text.encode()))


def cell(line: int, column: str) -> str:
    """The position of a cell of agreements.csv."""
    return f"{A}:{line} column {column}"


CASES = [
    # Settings
    Case(
        "unknown conduct key",
        add(S, "[strikes]\nmin_severty = 2\n"),
        f"{S}:{NEW + 1} strikes.min_severty",
        "min_severty",
        "min_severity",
        "did you mean",
    ),
    Case(
        "severity beyond the scale",
        add(S, "[truce]\nbreach_severity = 7\n"),
        f"{S}:{NEW + 1} truce.breach_severity",
        "7",
        "less than or equal to 5",
        "within the bounds",
    ),
    Case(
        "line without a level",
        add(S, '[redlines]\nlines = { capital = "high" }\n'),
        f"{S}:{NEW + 1} redlines.lines.capital",
        "'high'",
        "number",
        "plain number",
    ),
    Case(
        "unknown offer",
        add(S, '[offers]\nmade = ["ofer"]\n'),
        f"{S}:{NEW + 1} offers.made",
        "ofer",
        "offer",
        "did you mean `offer`",
    ),
    Case(
        "unknown power",
        add(S, '[excluded]\nactors = ["west"]\n'),
        f"{S}:{NEW + 1} excluded.actors",
        "west",
        "israel",
        "one of those",
    ),
    Case(
        "nothing maritime",
        add(S, "[maritime]\n"),
        f"{S}:{NEW} maritime",
        "neither",
        "zones = [...]",
        "remove [maritime]",
    ),
    Case(
        "unknown hinge",
        add(S, '[hinge]\nindicator = "prise"\nlevel = 1\n'),
        f"{S}:{NEW + 1} hinge.indicator",
        "prise",
        "price",
        "did you mean `price`",
    ),
    Case(
        "pressure on nobody",
        add(S, '[pressure]\neast = ["poll"]\n'),
        f"{S}:{NEW + 1} pressure.east",
        "east",
        "north, south",
        "one of those",
    ),
    Case(
        "pressure without a direction",
        add(S, '[pressure]\nsouth = ["poll"]\n'),
        f"{S}:{NEW + 1} pressure.south",
        "poll",
        "good or bad news",
        "add south = 1",
    ),
    Case(
        "two kinds of shift",
        add(S, '[power_shift]\nindicator = "price"\nkinds = ["strike"]\nmemory = 3\n'),
        f"{S}:{NEW} power_shift",
        "indicator, kinds, memory",
        "either indicator, or",
        "keep one",
    ),
    Case(
        "shift without a memory",
        add(S, '[power_shift]\nkinds = ["strike"]\n'),
        f"{S}:{NEW} power_shift",
        "kinds",
        "kinds and memory",
        "keep one",
    ),
    Case(
        "allies of nobody",
        add(S, '[proxy]\nside = "noth"\n'),
        f"{S}:{NEW + 1} proxy.side",
        "noth",
        "north, south",
        "did you mean `north`",
    ),
    Case(
        "origins out of order",
        add(S, "[forecast]\norigins = [2026-02-02, 2026-02-01]\n"),
        f"{S}:{NEW + 1} forecast.origins",
        "2026-02-01 after 2026-02-02",
        "later than",
        "sort",
    ),
    Case(
        "origin outside the period",
        add(S, "[forecast]\norigins = [2027-02-02]\n"),
        f"{S}:{NEW + 1} forecast.origins",
        "2027-02-02",
        "2026-01-05 to 2026-03-01",
        "remove the day",
    ),
    Case(
        "safeguard ends early",
        add(S, '[[safeguards]]\nid = "a"\nkind = "cell"\nstart = 2026-02-02\nend = 2026-02-01\n'),
        f"{S}:{NEW + 4} safeguards[0].end",
        "2026-02-01",
        "2026-02-02",
        "correct one",
    ),
    Case(
        "safeguard published early",
        add(
            S,
            '[[safeguards]]\nid = "a"\nkind = "cell"\nstart = 2026-02-02\n'
            "published_at = 2026-02-01\n",
        ),
        f"{S}:{NEW + 4} safeguards[0].published_at",
        "2026-02-01",
        "on or after",
        "correct the date",
    ),
    Case(
        "rule for no zone",
        add(S, '[[safeguards]]\nid = "a"\nkind = "zone"\nstart = 2026-02-02\n'),
        f"{S}:{NEW} safeguards[0].zones",
        "with 0 zones",
        'kind = "zone"',
        "add or remove",
    ),
    Case(
        "rule for an unwatched zone",
        add(
            S,
            '[zones]\nwatched = ["gulf"]\n[[safeguards]]\nid = "a"\nkind = "zone"\n'
            'zones = ["golf"]\nstart = 2026-02-02\n',
        ),
        f"{S}:{NEW + 5} safeguards[0].zones",
        "golf",
        "gulf",
        "did you mean `gulf`",
    ),
    Case(
        "concession of nobody",
        add(
            S,
            '[[concessions]]\nid = "a"\nside = "east"\ninitiator = ["north"]\n'
            'kinds = ["sanction"]\n',
        ),
        f"{S}:{NEW + 2} concessions[0].side",
        "east",
        "north, south",
        "one of those",
    ),
    Case(
        "spoiler twice",
        add(S, '[[spoilers]]\nevent = "E1"\nattributed_at = 2026-02-02\n' * 2),
        f"{S}:{NEW + 3} spoilers[1]",
        "E1",
        "unique",
        "rename",
    ),
    Case(
        "unknown rung",
        add(
            S,
            '[[regimes]]\nid = "late"\nkind = "none"\nstart = 2026-02-25\nlabel = "Late"\n'
            'rung = "peace"\n',
        ),
        f"{S}:{NEW + 5} regimes[2].rung",
        "peace",
        "negative_peace",
        "one of the values",
    ),
    # Rows
    Case(
        "agreements without their table",
        put(A, f"{HEADER}\n{FIRST}\n".encode()),
        f"{S}:1 agreements",
        "no table",
        "coverage",
        "remove agreements.csv",
    ),
    Case(
        "unknown column of agreements",
        both(add(S, "[agreements]\n"), put(A, b"agreement_id,date\n")),
        f"{A}:1 column published_at",
        "agreement_id,date",
        "published_at",
        "add",
    ),
    Case(
        "unknown scope",
        agree(FIRST.replace("truce", "truse")),
        cell(2, "scope"),
        "truse",
        "interim",
        "did you mean 'truce'",
    ),
    Case(
        "unknown form",
        agree(FIRST.replace("announced", "spoken")),
        cell(2, "form"),
        "spoken",
        "tacit",
        "word of the list",
    ),
    Case(
        "unknown ending",
        agree(ENDED.replace("extended_mutual", "extended")),
        cell(2, "end_kind"),
        "extended",
        "extended_unilateral",
        "did you mean",
    ),
    Case(
        "agreement neither mutual nor not",
        agree(FIRST.replace("announced,1", "announced,")),
        cell(2, "mutual"),
        "''",
        "1 (both",
        "write 1 or 0",
    ),
    Case(
        "agreement twice",
        agree(FIRST, FIRST),
        cell(3, "agreement_id"),
        "G1",
        "unique",
        "id of its own",
    ),
    Case(
        "agreement before its date",
        agree(FIRST.replace("01-20,,", "01-20,2026-01-19,")),
        cell(2, "published_at"),
        "01-19",
        "2026-01-20",
        "correct",
    ),
    Case(
        "deadline in the past",
        agree(FIRST.replace("02-10", "01-10")),
        cell(2, "deadline"),
        "01-10",
        "2026-01-20",
        "correct deadline",
    ),
    Case(
        "agreement ends early",
        agree(ENDED.replace("2026-02-01", "2026-01-01")),
        cell(2, "ended"),
        "01-01",
        "2026-01-20",
        "correct ended",
    ),
    Case(
        "end published early",
        agree(ENDED.replace("2026-02-02", "2026-01-31")),
        cell(2, "end_published_at"),
        "01-31",
        "2026-02-01",
        "correct end_published_at",
    ),
    Case(
        "end without a kind",
        agree(ENDED.replace("extended_mutual", "")),
        cell(2, "end_kind"),
        "''",
        "both `ended` and",
        "fill in",
    ),
    Case(
        "kind without an end",
        agree(ENDED.replace("2026-02-01,2026-02-02", ",")),
        cell(2, "ended"),
        "''",
        "both `ended` and",
        "fill in",
    ),
    Case(
        "publication of no end",
        agree(FIRST.replace("2026-02-10,,,", "2026-02-10,,2026-02-11,")),
        cell(2, "end_published_at"),
        "02-11",
        "empty",
        "fill in `ended`",
    ),
    Case(
        "continues nothing",
        agree(FIRST.replace(",,high", ",G0,high")),
        cell(2, "parent"),
        "G0",
        "earlier row",
        "correct the id",
    ),
    Case(
        "continues what is in force",
        agree(FIRST, FIRST.replace("G1", "G2").replace(",,high", ",G1,high")),
        cell(3, "parent"),
        "G1",
        "to have ended",
        "end of G1",
    ),
    Case(
        "continues what ends later",
        agree(ENDED, "G2,2026-02-01,,truce,announced,1,,,,,G1,high,"),
        cell(3, "parent"),
        "G1",
        "public by 2026-02-01",
        "end of G1",
    ),
]
