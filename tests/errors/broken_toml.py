"""Settings that are not TOML, of the wrong type, or without a sensible period."""

from broken import Case, S, add, put, toml

INDICATOR = "indicators[0]"
PRICE = 'id = "price"'

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
    Case("unknown step", toml('step = "day"', 'step = "month"')),
    Case("unknown transform", toml('"log"', '"logs"')),
    Case("direction of 2", toml("north = 1, south", "north = 2, south")),
    Case("threshold of 1", toml("threshold = 0.5", "threshold = 1.0")),
    Case("threshold of 0", toml("threshold = 0.5", "threshold = 0")),
    Case("crack in no time", toml("periods = 3", "periods = 0")),
    Case("negative lag", toml("publication_lag = 0", "publication_lag = -1")),
    # Period
    Case("ends before it starts", toml("end = 2026-03-01", "end = 2025-03-01")),
    Case("one day", toml("end = 2026-03-01", "end = 2026-01-05")),
    Case("period of 200 years", toml("start = 2026-01-05", "start = 1826-01-05")),
]
