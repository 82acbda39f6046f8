"""Rows that no study can use."""

from broken import Case, I, add, both, cov, eve, ind, talk

PRICE = "price,2026-02-28,,118.018"

CASES = [
    # Dates
    Case("impossible day", ind("2026-02-28", "2026-02-30")),
    Case("foreign date", ind("2026-02-28", "28/02/2026")),
    Case("no date", ind("price,2026-02-28", "price,")),
    Case("year 9999", ind("2026-02-28", "9999-01-01")),
    Case("rows out of order", ind("2026-02-28", "2026-02-01")),
    Case(
        "revision before its value",
        ind(PRICE, "price,2026-02-28,2026-03-09,1\nprice,2026-02-28,2026-03-05,2"),
    ),
    Case("value before its date", ind("02-28,,", "02-28,2026-02-27,")),
    Case("event ends early", eve("2026-01-26", "2026-01-22")),
    # Numbers
    Case("NaN", ind(",100.0\n", ",nan\n")),
    Case("empty value", ind(",100.0\n", ",\n")),
    Case("zero under log", ind(",100.0\n", ",0\n")),
    Case("percentage under logit", ind(",0.4\n", ",40\n")),
    Case("negative count", ind(",22\n", ",-22\n")),
    Case("severity of 6", eve("strike,4", "strike,6")),
    Case("strike without severity", eve("strike,4", "strike,")),
    Case("confidence beyond certain", eve("action,1", "action,3")),
    # Words
    Case("undeclared indicator", ind(PRICE, "prize,2026-02-28,,1")),
    Case("rows of a counted indicator", add(I, "attacks,2026-03-01,,1\n")),
    Case("unknown kind", eve("assassination", "murder")),
    Case("unknown initiator", eve("mediator", "nato")),
    Case("unknown channel", eve("private", "secret")),
    Case("unknown format of talks", talk("indirect", "remote")),
    Case("face to face in words", talk("talks,1", "talks,yes")),
    # Duplicates
    Case("row twice", ind(PRICE, f"{PRICE}\n{PRICE}")),
    Case(
        "row twice by its lag",
        ind("ships,2025-12-02,,22", "ships,2025-12-02,,22\nships,2025-12-02,2025-12-05,9"),
    ),
    Case("event id twice", eve("E12", "E11")),
    Case("event without id", eve("E12,", ",")),
    # Coverage
    Case("unknown density", cov("dense", "thick")),
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
