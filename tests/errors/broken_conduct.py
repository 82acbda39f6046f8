"""Settings and rows about conduct that no study can use."""

from broken import Break, Case, S, add, both, put
from make_conduct import HEADER

A = "agreements.csv"
FIRST = "G1,2026-01-20,,truce,announced,1,2026-02-10,,,,,high,"
ENDED = "G1,2026-01-20,,truce,announced,1,,2026-02-01,2026-02-02,extended_mutual,,high,"


def agree(*rows: str) -> Break:
    """Write agreements.csv, and the table that it needs."""
    text = "\n".join([HEADER, *rows]) + "\n"
    return both(add(S, "[agreements]\n"), put(A, text.encode()))


CASES = [
    # Settings
    Case("unknown conduct key", add(S, "[strikes]\nmin_severty = 2\n")),
    Case("unknown offer", add(S, '[offers]\nmade = ["ofer"]\n')),
    Case("no matter of the agenda", add(S, "[agenda]\n")),
    Case("unknown hinge", add(S, '[hinge]\nindicator = "prise"\nlevel = 1\n')),
    Case("pressure on nobody", add(S, '[pressure]\neast = ["poll"]\n')),
    Case("pressure without a direction", add(S, '[pressure]\nsouth = ["poll"]\n')),
    Case(
        "two kinds of shift",
        add(S, '[power_shift]\nindicator = "price"\nkinds = ["strike"]\nmemory = 3\n'),
    ),
    Case("origins out of order", add(S, "[forecast]\norigins = [2026-02-02, 2026-02-01]\n")),
    Case(
        "rule for an unwatched zone",
        add(
            S,
            '[zones]\nwatched = ["gulf"]\n[[safeguards]]\nid = "a"\nkind = "zone"\n'
            'zones = ["golf"]\nstart = 2026-02-02\n',
        ),
    ),
    Case("spoiler twice", add(S, '[[spoilers]]\nevent = "E1"\nattributed_at = 2026-02-02\n' * 2)),
    # Rows
    Case("agreements without their table", put(A, f"{HEADER}\n{FIRST}\n".encode())),
    Case("unknown scope", agree(FIRST.replace("truce", "truse"))),
    Case("unknown ending", agree(ENDED.replace("extended_mutual", "extended"))),
    Case("agreement neither mutual nor not", agree(FIRST.replace("announced,1", "announced,"))),
    Case("agreement before its date", agree(FIRST.replace("01-20,,", "01-20,2026-01-19,"))),
    Case("deadline in the past", agree(FIRST.replace("02-10", "01-10"))),
    Case("agreement ends early", agree(ENDED.replace("2026-02-01", "2026-01-01"))),
    Case("end published early", agree(ENDED.replace("2026-02-02", "2026-01-31"))),
    Case("end without a kind", agree(ENDED.replace("extended_mutual", ""))),
    Case("publication of no end", agree(FIRST.replace("2026-02-10,,,", "2026-02-10,,2026-02-11,"))),
    Case("continues nothing", agree(FIRST.replace(",,high", ",G0,high"))),
    Case(
        "continues what is in force",
        agree(FIRST, FIRST.replace("G1", "G2").replace(",,high", ",G1,high")),
    ),
    Case(
        "continues what ends later", agree(ENDED, "G2,2026-02-01,,truce,announced,1,,,,,G1,high,")
    ),
]
