"""A first study to edit: a folder that passes every check, with a handful of made-up rows."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

from beliefs.errors import ConflictError, StudyError
from beliefs.study.writefile import write_file

__all__ = ["new_study"]

_STUDY: Final = """\
# A study: what was observed, how it is counted, what it means to each side.
# Everything after a # is a comment. Unknown keys are errors, so a typing mistake never passes.
format = 1
name = "@NAME@"
title = "North and South, a made-up dispute"
summary = "Two or three sentences: who, about what, why beliefs matter here. The rows are invented."
hindcast = false               # true when you know how it went on

[period]
start = 2026-01-01
end = 2026-01-31
step = "day"                   # or "week"; weeks begin on the weekday of start

[[sides]]                      # exactly two
id = "north"
name = "North"
framework = "coercion"         # a word for what the side counts as winning
endurance = false              # true: merely surviving is good news
actors = ["north"]             # initiators in events.csv that ARE this side
forces = ["north"]             # initiators whose force counts as this side's

[[sides]]
id = "south"
name = "South"
framework = "endurance"
endurance = true
actors = ["south"]
forces = ["south"]

[[indicators]]                 # a series: its rows are in indicators.csv
id = "exchange_rate"
label = "Southern crowns per Northern mark"
unit = "crowns per mark"
transform = "log"              # identity, log, diff, logit (values in 0..1), count (0 or more)
aggregate = "last"             # of values that are published in one period: last, mean, sum
publication_lag = 1            # days, used where published_at is empty
direction = { north = 1, south = -1 } # a rise is good (1) or bad (-1) news for the side
own = ["north"]                # whose own scorecard it stands on
cost = ["south"]               # whose cost of conflict its level measures
# halflife = 14                # periods of memory of the expectation
# expectation = "walk"         # expect the last value, as for prices; "mean" if left out
# split_by_regime = true       # another weight in war, truce, talks and none
# resets = [2026-01-20]        # dates on which the level shifts without being news
# seen_by = ["north", "south"] # who can see it at all

[[indicators]]                 # counted from events.csv
id = "southern_attacks"
label = "Attacks by the South"
unit = "severity points per day"
source = "events"
transform = "count"
initiator = ["south"]
kinds = ["strike", "missile_drone_attack"]
measure = "severity"           # or "count"
direction = { north = -1, south = 1 }
own = ["south"]

# A reading of belief (a belief_signal in events.csv, a series of a channel) counts at the date of
# its row once it is published: a memorandum that comes out years later says what was believed when
# it was written. Talks count on their own days likewise. All else is news when it is published.

[[channels]]                   # ways in which confidence shows, the least noisy first
id = "action"
bias = "anchor"

[[channels]]
id = "public"
bias = "public"

[crack]                        # a belief cracks when it stays below threshold for periods
threshold = 0.5
periods = 3

[talks_rule]                   # what counts as talks; the headline rule is the one scored first
headline = "any"

[[talks_rule.rules]]
id = "any"
formats = ["direct", "us_present", "indirect"]
labels = ["talks", "expert_talks", "back_channel"]
min_confidence = "medium"

[[talks_rule.rules]]
id = "direct"
formats = ["direct"]
labels = ["talks"]
min_confidence = "medium"

[[regimes]]                    # in the order of time; days without a regime are "none"
id = "clashes"
kind = "war"
start = 2026-01-10
end = 2026-01-19
label = "Border clashes"

[[regimes]]
id = "pause"
kind = "truce"
start = 2026-01-20             # no end: still running
after = "clashes"
label = "Pause"

[[shocks]]                     # dates on which a belief may jump
id = "new_cabinet"
date = 2026-01-15
published_at = 2026-01-16
kind = "turnover"              # or "escalation", "economic"
side = "south"
label = "New cabinet in the South"

# What follows is optional: what it would let one see of conduct is not seen without it.

[strikes]                      # acts of force that are counted, by kind "strike" and the like
min_severity = 1
coverage = ["dense"]           # where no act recorded means no act

[truce]                        # truces themselves stand in agreements.csv
breach_severity = 2            # an act this severe on the other side's own actors breaks one
coverage = ["dense"]
last_days = 3                  # how near a deadline is near
quiet_days = 4                 # a truce that begins with so many quiet days has passed its test

[offers]                       # acts by which a side concedes something
made = ["offer", "counter_offer", "acceptance", "sanctions_relief", "prisoner_or_humanitarian"]
coverage = ["dense"]

[agreements]                   # agreements.csv is complete here
coverage = ["dense", "headline"]

# [redlines]                   # lines, and the severity from which touching one is crossing it
# lines = { capital = 3 }      # names from the column red_line of events.csv
# [zones]                      # zones whose acts are counted apart
# watched = ["other"]
# [pressure]                   # indicators that press a side at home
# south = ["exchange_rate"]
# [[safeguards]]               # a "hotline", a "cell", or a rule for a "zone"
# id = "red_telephone"
# kind = "hotline"
# start = 2026-01-25
"""

_RATES: Final = """\
100 100.4 101.1 100.7 101.9 102.2 101.6 102.5 103.8 106.0 107.4 109.9 110.2 108.8 111.5
114.0 113.1 112.6 110.9 107.2 106.1 105.5 106.3 105.0 104.4 104.9 103.6 103.9 103.1 102.8
"""

_EVENTS: Final = """\
event_id,date,date_end,published_at,initiator,target,kind,severity,channel,belief_signal,\
red_line,prior_warning,zone,confidence,coders,source_url
E1,2026-01-04,,,north,south,ultimatum,,public,2,none,,other,high,1,
E2,2026-01-06,,2026-01-07,south,north,hardline_statement,,public,1,none,,other,high,1,
E3,2026-01-10,,,north,south,strike,3,action,1,none,0,other,high,1,
E4,2026-01-11,2026-01-13,2026-01-11,south,north,missile_drone_attack,2,action,1,none,0,other,high,1,
E5,2026-01-15,,2026-01-16,other,south,leadership_change,,public,,none,,other,high,1,
E6,2026-01-17,,,mediator,south,mediation,,private,,none,,other,medium,1,
E7,2026-01-18,,2026-01-19,south,north,offer,,action,-1,none,,other,medium,1,
E8,2026-01-20,,,north,south,truce_start,,action,0,none,,other,high,1,
E9,2026-01-26,,,south,north,conciliatory_statement,,public,-0.5,none,,other,high,1,
"""

_TALKS: Final = """\
talk_id,date,date_end,published_at,format,label,direct,venue,confidence,source_url
T1,2026-01-18,,2026-01-19,indirect,back_channel,0,Harbour,medium,
T2,2026-01-24,2026-01-25,2026-01-24,direct,talks,1,Harbour,high,
"""

_COVERAGE: Final = """\
start,end,density,instrument,note
2025-12-01,2026-01-09,headline,papers,only large events
2026-01-10,2026-01-31,dense,digest,a daily digest
"""

_AGREEMENTS: Final = """\
agreement_id,date,published_at,scope,form,mutual,deadline,ended,end_published_at,end_kind,parent,\
confidence,source_url
A1,2026-01-20,,truce,announced,1,2026-01-27,2026-01-26,,extended_mutual,,high,
A2,2026-01-26,,truce,announced,1,2026-02-10,,,,A1,high,
"""

_SOURCES: Final = """\
# Sources

Everything in this folder is invented. Replace it, and say for each file and series where it comes
from, under which terms, when a value is published, and whether it is revised later.
"""


def new_study(folder: str | Path) -> Path:
    """Write a commented study with made-up rows, ready to be edited.

    Parameters
    ----------
    folder
        A folder that does not exist yet, or is empty. Its name becomes the study's name.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConflictError
        If the folder holds anything.
    StudyError
        If it cannot be made or written; then nothing is left in it.

    Examples
    --------
    >>> beliefs.new_study(folder / "mine").name
    'mine'
    """
    path = Path(folder)
    made = not os.path.lexists(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        taken = sorted(item.name for item in path.iterdir())
    except OSError as error:
        raise StudyError(
            "the folder cannot be made",
            where=str(path),
            found=error.strerror or type(error).__name__,
            expected="the path of a new folder in a place where you may write",
            mend="choose another path",
        ) from None
    if taken:
        raise ConflictError(
            "the folder is not empty",
            where=str(path),
            found=", ".join(taken[:5]),
            expected="a new or an empty folder",
            mend="choose another name; nothing was written",
        )
    name = re.sub(r"[^a-z0-9]+", "-", path.resolve().name.lower()).strip("-")[:60].strip("-")
    rates = "".join(
        f"exchange_rate,2026-01-{day:02d},,{value}\n"
        for day, value in enumerate(_RATES.split(), start=1)
    )
    files = (
        ("study.toml", _STUDY.replace("@NAME@", name or "my-study")),
        ("indicators.csv", "indicator,date,published_at,value\n" + rates),
        ("events.csv", _EVENTS),
        ("talks.csv", _TALKS),
        ("coverage.csv", _COVERAGE),
        ("agreements.csv", _AGREEMENTS),
        ("SOURCES.md", _SOURCES),
    )
    try:
        for file, text in files:
            write_file(path / file, text)
    except BaseException:  # a part of a study is worse than none
        with contextlib.suppress(OSError):
            for file, _ in files:
                (path / file).unlink(missing_ok=True)
            if made:
                path.rmdir()
        raise
    return path
