"""Rules by which `compile_studies.py` reads the raw files: lags, labels, spans, left-out rows."""

# Days between the day a value describes and the day it could be read, from the sources' own notes.
LAGS = {
    "usd_irr": 0,
    "brent": 0,
    "vix": 0,
    "us_gasoline": 0,
    "gpr_threats": 3,
    "gpr_acts": 3,
    "hormuz_transits": 7,
    "us_approval": 2,
    "gdelt_tone": 1,
}
RAW_NAMES = {"gdelt_tone": "gdelt_us_iran_tone"}
HORMUZ_REVISED = "hormuz_transits_vintage_2026_08"
HORMUZ_REVISED_ON = "2026-08-15"  # the month is known, the day is not: its middle

INDICATOR_COLUMNS = ("indicator", "date", "published_at", "value")
EVENT_COLUMNS = (
    "event_id,date,date_end,published_at,initiator,target,kind,severity,channel,belief_signal,"
    "red_line,prior_warning,zone,confidence,coders,source_url"
).split(",")
TALK_COLUMNS = (
    "talk_id,date,date_end,published_at,format,label,direct,venue,confidence,source_url".split(",")
)
COVERAGE_COLUMNS = ("start", "end", "density", "instrument", "note")
AGREEMENT_COLUMNS = (
    "agreement_id,date,published_at,scope,form,mutual,deadline,ended,end_published_at,end_kind,"
    "parent,confidence,source_url"
).split(",")

KINETIC = {
    "strike",
    "missile_drone_attack",
    "assassination",
    "seizure",
    "blockade",
    "closure",
    "mine_or_sabotage",
    "cyber",
}
DIPLOMATIC = {
    "talks",
    "talks_announced",
    "talks_cancelled",
    "truce_start",
    "truce_extension",
    "deal_signed",
}

# Which way of counting produced the events of a span (first day -> instrument). Baselines restart
# where it changes, because counts under two instruments are not comparable.
INSTRUMENTS = {
    "2025-02-01": "headlines",
    "2026-02-06": "headlines",
    "2026-02-28": "timeline",
    "2026-03-30": "unobserved",
    "2026-04-06": "digest",
    "2026-06-15": "digest_wide",
}
# Before the coded events begin there are only deals and the public record of severe acts. In the
# months of near-daily exchanges with militias and in the Red Sea even those say nothing.
EARLY_COVERAGE = (
    ("2012-10-08", "2023-10-16", "headline", "public_record", "deals and severe acts only"),
    ("2023-10-17", "2024-02-04", "none", "unobserved", "frequent proxy exchanges, not coded"),
    ("2024-02-05", "2025-01-31", "headline", "public_record", "deals and severe acts only"),
)

# Raw label -> (label, derived event kind). The first key that the raw label contains decides.
TALK_LABELS = (
    ("us_exit", "other", "deal_terminated"),
    ("implementation_prisoner_swap", "other", "sanctions_relief"),
    ("prisoner_deal", "deal", "prisoner_or_humanitarian"),
    ("prisoner_swap", "other", "prisoner_or_humanitarian"),
    ("talk_round", "talks", ""),
    ("expert_talks", "expert_talks", ""),
    ("back_channel", "back_channel", ""),
    ("contact", "contact", ""),
    ("letter_exchange", "contact", ""),
    ("interim_deal", "deal", "deal_signed"),
    ("framework_agreement", "deal", "deal_signed"),
    ("deal_", "deal", "deal_signed"),
    ("tentative_mou", "deal", ""),
    ("ceasefire", "ceasefire", ""),
    ("standdown", "ceasefire", ""),
    ("cancelled", "cancelled", ""),
    ("declined", "cancelled", ""),
    ("called_off", "cancelled", ""),
    ("suspends", "cancelled", ""),
    ("postponed", "cancelled", ""),
    ("halted", "cancelled", ""),
    ("offer", "offer", ""),
)
# Phrases of the raw table that say that the days are not known: visible rows, never labels.
UNKNOWN_DAYS = ("month only", "day not in source", "days not in source", "early march")
# One round with a pause that the raw table names.
TALK_SPLITS = {"2021-11-29": (("2021-11-29", "2021-12-03"), ("2021-12-09", "2021-12-17"))}
# Rounds that became public later than their first day: the date of the report.
TALK_PUBLISHED = {
    "2013-03-01": "2017-01-31",
    "2013-08-01": "2013-11-24",
    "2023-05-08": "2023-06-09",
    "2024-01-10": "2024-03-15",
    "2024-05-14": "2024-05-17",
    "2025-03-05": "2025-03-07",
}

# Days that news of an engagement needed to reach the other capital, by theatre.
BATTLE_LAG = {"east": 2, "west": 4, "coast": 7}
WESTERN = ("Shiloh", "Stone River", "Vicksburg", "Chickamagua", "Chattanooga", "Atlanta", "Hood")
COASTAL = ("New Orleans", "Mobile Bay", "Savannah", "Sherman")
# The source dates the surrender of Johnston six weeks early (public record: 1865-04-26, after the
# period), so the row is no observation of 1865-03-13.
BATTLES_LEFT_OUT = ("Johnston",)
# Event code of political news: kind, initiator, target.
CIVIL_NEWS = {
    "Emancipation": ("hardline_statement", "union", "confederacy"),
    "Greenbacks": ("economic_damage", "none", "union"),
    "Re-election": ("legislative_vote", "union", "none"),
    "Banking": ("legislative_vote", "union", "none"),
}

# Wars of the reference table in which the United States itself fought, whether or not from the
# first day on (facts of common knowledge, added here).
US_WARS = {
    "Mexican-American War",
    "Spanish-American War",
    "World War I (Germany-Allies)",
    "Korean War",
    "Gulf War",
    "Kosovo (NATO-Yugoslavia)",
    "Iraq War 2003 (conventional phase)",
    "Israel/US-Iran 2025 (12-day war)",
    "US/Israel-Iran 2026",
}
