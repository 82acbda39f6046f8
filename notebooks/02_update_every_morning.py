# %% [markdown]
# # An update every morning, replayed
#
# **This is a hindcast**, like the notebook before it: whoever chose the indicators, the regimes
# and the label rules of this study knew how the case went on. The replay goes from the last day
# of the air war to the end of June 2026 as a scheduled job would have gone: one
# `beliefs update` every morning, from the run of the day before, on the command line. Each run
# knows only rows published by its own date, and none knows anything later.
#
# The job itself is three lines of shell, run by cron once a day:
#
# ```sh
# day=$(date +%F)
# beliefs update runs/newest --data rows.csv --to "$day" --out "runs/$day" --quiet || exit
# ln -sfn "$day" runs/newest
# ```
#
# `beliefs track STUDY --out runs/first && ln -s first runs/newest` starts it off; `rows.csv` has
# the header of one table of the study, and rows that the run holds already do no harm. An update
# that comes to nothing leaves `newest` where it was, and the next morning goes on from there: exit
# code 4 says that nothing was new, exit code 3 that too few particles would carry the new
# posterior. The replay needs no `--data`: the bundled study holds all rows, and `--to` lets in
# those published by then.

# %%
import datetime as dt
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import beliefs
from beliefs.reporting import series
from beliefs.reporting.axes import house_axes, legend_below, share_axis, time_axis
from beliefs.reporting.style import GREY, INK, REGIME_COLOURS, SIDE_COLOURS, TALKS

PROGRAM = Path(sys.executable).with_name("beliefs")
STUDY, SEED, PARTICLES = "us-iran-2026", 1, 2000
START, END = dt.date(2026, 4, 7), dt.date(2026, 6, 30)
HORIZON = 30  # days
WEEK = 7
ALSO = {dt.date(2026, m, d) for m, d in ((4, 8), (4, 12), (4, 21), (5, 25), (6, 17))}
LARGE = 0.05  # a change of a mean belief in one day that is asked why

pd.set_option("display.width", 160, "display.max_columns", 20, "display.max_colwidth", 60)


def day(date):
    return f"{date:%d %b}".lstrip("0")


def per_cent(p):
    return f"{100 * p:.0f} %"


def command(*words):
    """Run `beliefs` and return its exit code, what it printed, its complaint, and the seconds."""
    started = time.perf_counter()
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    seconds = time.perf_counter() - started
    printed = json.loads(done.stdout) if done.stdout.startswith("{") else None
    return done.returncode, printed, done.stderr.strip(), seconds


# %% [markdown]
# ## The replay
#
# First the track up to the last day of the air war, then one update a day. Only the newest run is
# kept. On some days the run is also asked for a forecast, and whenever a mean belief moved by five
# points or more overnight, `beliefs diff` is asked what moved it.

# %%
folder = Path(tempfile.mkdtemp())
run = folder / str(START)
code, printed, complaint, first_seconds = command(
    "track", STUDY, "--as-of", START, "--out", run,
    "--particles", PARTICLES, "--seed", SEED, "--json", "--quiet",
)  # fmt: skip
assert code == 0, complaint
mornings = [{"date": START, "exit": code, "seconds": first_seconds, "moved": None, **printed}]
known, forecasts, diffs, refused = printed, {}, {}, {}


def tell_future(date, run):
    if (date - START).days % WEEK and date not in ALSO:
        return
    code, result, complaint, _ = command("forecast", run, "--horizon", HORIZON, "--json")
    assert code == 0, complaint
    forecasts[date] = result


tell_future(START, run)
for date in [START + dt.timedelta(days=n + 1) for n in range((END - START).days)]:
    new = folder / str(date)
    code, printed, complaint, seconds = command(
        "update", run, "--to", date, "--out", new, "--json", "--quiet"
    )
    if code in (3, 4):  # the convergence check; nothing new: the run of yesterday stays
        refused[date] = complaint
        mornings.append({"date": date, "exit": code, "seconds": seconds})
    else:
        assert code == 0, complaint
        pairs = zip(known["belief"], printed["belief"], strict=True)
        if any(abs(now["mean"] - then["mean"]) >= LARGE for then, now in pairs):
            why, diffs[date], complaint, _ = command("diff", run, new, "--json")
            assert why == 0, complaint
        track = beliefs.load_track(new)
        taken_in = track.n_time - printed["periods"] - printed["back"]
        moves = sum(r.period >= taken_in for r in track.rejuvenations)
        mornings.append({"date": date, "exit": code, "seconds": seconds, "moved": moves, **printed})
        shutil.rmtree(run)
        run, known = new, printed
    tell_future(date, run)

# %%
refused or "every update was written"

# %% [markdown]
# What the job would have printed, on the days on which a forecast was made as well. The Pareto k
# of the weights must stay below 0.7 and at least 400 particles must count, or nothing is written.

# %%
written = [m for m in mornings if "belief" in m]
log = pd.DataFrame(
    {
        "as of": m["date"],
        **{
            b["side"]: f"{per_cent(b['mean'])} ({per_cent(b['lower'])} to {per_cent(b['upper'])})"
            for b in m["belief"]
        },
        "new rows": m.get("rows"),
        "effective": round(m["convergence"]["ess"]),
        "Pareto k": round(m["convergence"]["pareto_k"], 2),
    }
    for m in written
).set_index("as of")
log["new rows"] = log["new rows"].astype("Int64")
print("particles resampled and moved:", ", ".join(day(m["date"]) for m in written if m["moved"]))
log.loc[list(forecasts)].rename(index=day)

# %% [markdown]
# Updated day by day, the posterior is that of the study tracked in one go, within Monte-Carlo
# error.

# %%
code, _, complaint, whole_seconds = command(
    "track", STUDY, "--as-of", END, "--out", folder / "in one go",
    "--particles", PARTICLES, "--seed", SEED, "--json", "--quiet",
)  # fmt: skip
assert code == 0, complaint
ends = [
    beliefs.load_track(path).at(END).tree["posterior"]["logit_belief"].values[..., -1]
    for path in (run, folder / "in one go")
]
morning, whole = ((1 / (1 + np.exp(-logit))).mean(axis=(0, 1)) for logit in ends)
print("mean beliefs of the last day differ by", (100 * np.abs(morning - whole)).round(1), "points")

# %% [markdown]
# ## What each side believed, as known each morning
#
# The dark line and the band are the belief of the last day, as the update of that morning gave it.
# The thin line is the same belief seen from the end of June. Where the two part, later rows
# changed the story.

# %%
last = beliefs.load_track(run)
hindsight = last.at(END)
mornings_at = np.array([m["date"] for m in written], dtype="M8[D]")
first, end = mornings_at[0], mornings_at[-1]
talk_days = series.talk_dates(hindsight)
left, right = np.datetime64("2026-04-01"), end + np.timedelta64(1, "D")
LABELS = {
    "Air war": "air war",
    "Two-week truce": "truce",
    "Truce extended by one side, under blockade": "truce extended,\nunder blockade",
    "Memorandum of sixty days": "memorandum",
}


def mark_events(ax, words):
    """Shade the regimes and mark where each begins, shocks, and days of talks."""
    for span in series.regime_spans(hindsight):
        if span.end < left:
            continue
        start, stop = max(span.start, left), span.end + np.timedelta64(1, "D")
        ax.axvspan(start, stop, color=REGIME_COLOURS[span.kind], lw=0, zorder=0)
        if span.start > left:
            ax.axvline(span.start, color=GREY, lw=0.8)
        if words:
            ax.annotate(LABELS.get(span.label, span.label), (start, 0.98), xytext=(3, 0),
                fontsize=8, va="top", xycoords=("data", "axes fraction"),
                textcoords="offset points")  # fmt: skip
    for mark in series.shock_marks(hindsight):
        if mark.date > first:
            ax.axvline(mark.date, color=INK, lw=0.8, ls=":")
            if words:
                ax.annotate(mark.label, (mark.date, 0.11), xytext=(3, 0), fontsize=8,
                    xycoords=("data", "axes fraction"), textcoords="offset points")  # fmt: skip
    held = talk_days[talk_days > first]
    ax.plot(held, np.full(len(held), 0.02), "|", color=TALKS, ms=9, mew=1.5, label="talks held")
    ax.set_xlim(left, right)
    time_axis(ax)


figure, panels = plt.subplots(2, 1, figsize=(9, 7.6), layout="constrained", sharex=True)
for side, ax in enumerate(panels):
    house_axes(ax)
    mark_events(ax, words=True)
    said = [m["belief"][side] for m in written]
    low, mean, high = ([b[key] for b in said] for key in ("lower", "mean", "upper"))
    colour = SIDE_COLOURS[side]
    ax.fill_between(
        mornings_at, low, high, color=colour, alpha=0.2, lw=0, label="that morning, 90 %"
    )
    ax.plot(mornings_at, mean, color=colour, lw=1.8, label="that morning, mean")
    later = series.belief_bands(hindsight)[side]
    ax.plot(later.dates, later.mean, color=INK, lw=0.9, label="seen from 30 June, mean")
    ax.axhline(0.5, color=GREY, lw=0.9, ls=(0, (4, 3)), label="crack threshold")
    share_axis(ax, "belief that it prevails")
    ax.set_title(series.side_names(hindsight)[side], loc="left", fontsize=11)
legend_below(panels[1], 5)
plt.show()

# %%
agreement = {}
for side, name in enumerate(series.side_names(hindsight)):
    later = series.belief_bands(hindsight)[side]
    seen = dict(zip(later.dates.astype("M8[D]").astype(object), later.mean, strict=True))
    then = [(m["belief"][side], seen[m["date"]]) for m in written]
    agreement[name] = {
        "mornings": len(then),
        "mean width of the interval": per_cent(np.mean([b["upper"] - b["lower"] for b, _ in then])),
        "interval held the later mean": sum(b["lower"] <= x <= b["upper"] for b, x in then),
        "mean of that morning below 1/2": sum(b["mean"] < 0.5 for b, _ in then),
        "mean seen from 30 June below 1/2": sum(x < 0.5 for _, x in then),
    }
pd.DataFrame(agreement)

# %% [markdown]
# ## What moved them
#
# Every night in which a mean belief moved by five points or more, and the largest parts of the
# move, in log-odds, as `beliefs diff` splits it. *Seen anew* is what the new rows say of the days
# before them: acts and statements coded as readings of belief, parameters learnt, hindsight.

# %%
rows = []
for date, found in diffs.items():
    for item in found["beliefs"]:
        then, now = item["then"]["mean"], item["now"]["mean"]
        if abs(now - then) < LARGE:
            continue
        parts = [
            f"{part['name'].removeprefix(item['side'] + ':')} {part['mean']:+.2f}"
            for part in item["parts"][:3]
        ]
        rows.append(
            {
                "as of": day(date),
                "belief of": item["side"],
                "moved": f"{per_cent(then)} to {per_cent(now)}",
                **dict(zip(("most by", "then by", "and by"), parts, strict=False)),
            }
        )
large = pd.DataFrame(rows).set_index("as of")
large

# %%
large["most by"].str.rsplit(n=1).str[0].value_counts().rename("largest part of so many moves")

# %% [markdown]
# ## What the forecasts said, and what came
#
# Once a week, and on five days on which something had happened, the newest run was asked for the
# next 30 days. A side *cracks* when its belief stays below one half for three days; the small
# points are the share of draws in which that had already come about on the day of the forecast, so
# that only the rest is forecast. Each probability stands beside its base rate: the prior alone for
# cracks, which nobody can observe, and for talks the base-rate theory M0, whose constant hazards
# are learnt from the same days, and which knows whether talks are going on.

# %%
held_on = [d for d in talk_days.astype(object) if d > START]


def targets(result, days):
    by = str(dt.date.fromisoformat(result["as_of"]) + dt.timedelta(days=days))
    return {(t["target"], t["side"]): t for t in result["targets"] if t["by"] == by}


def observed(date, days):
    """Return whether talks were held within some days: yes, no, or not known yet."""
    by = date + dt.timedelta(days=days)
    if any(date < d <= by for d in held_on):
        return "yes"
    return "no" if by <= END else "not known yet"


asked = list(forecasts)
month = [targets(result, HORIZON) for result in forecasts.values()]
names = series.side_names(hindsight)
shown = [
    (("crack", "us"), f"{names[0]}: a crack within {HORIZON} days", SIDE_COLOURS[0]),
    (("crack", "iran"), f"{names[1]}: a crack within {HORIZON} days", SIDE_COLOURS[1]),
    (("talks", None), f"Talks held within {HORIZON} days", TALKS),
]
figure, panels = plt.subplots(3, 1, figsize=(9, 9.4), layout="constrained", sharex=True)
for ax, (key, title, colour) in zip(panels, shown, strict=True):
    house_axes(ax)
    mark_events(ax, words=ax is panels[1])
    p, base, already = ([t[key][k] for t in month] for k in ("p", "base_rate", "at_origin"))
    ax.plot(asked, p, color=colour, lw=1.4, label="as told that day")
    ax.plot(asked, base, color=GREY, lw=1.3, ls=(0, (5, 3)), label="base rate")
    if key[0] == "crack":
        ax.plot(asked, p, "o", color=colour, ms=5)
        ax.plot(asked, already, ".", color=colour, ms=5, clip_on=False, label="already so that day")
    else:
        for outcome, face in (("yes", colour), ("no", "white"), ("not known yet", "#b9b6ae")):
            at = [n for n, date in enumerate(asked) if observed(date, HORIZON) == outcome]
            ax.plot([asked[n] for n in at], [p[n] for n in at], "o", mec=colour, mfc=face, ms=6,
                label=f"held: {outcome}")  # fmt: skip
    share_axis(ax, "probability")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8.5)
plt.show()

# %% [markdown]
# Talks have an outcome that anybody can look up. Windows that reach beyond the study and hold no
# talks yet are left open.

# %%
rows = []
for date, result in forecasts.items():
    row = {"as of": day(date), "talks that day": "yes" if date in held_on else "no"}
    for days in (WEEK, HORIZON):
        t = targets(result, days)["talks", None]
        row[f"{days} days"] = f"{per_cent(t['p'])} (base {per_cent(t['base_rate'])})"
        row[f"held in {days}"] = observed(date, days)
    row["next talks"] = next((day(d) for d in held_on if d > date), "")
    rows.append(row)
pd.DataFrame(rows).set_index("as of")

# %%
for days in (WEEK, HORIZON):
    result = {True: [], False: []}
    for date in asked:
        if observed(date, days) != "not known yet":
            p = targets(forecasts[date], days)["talks", None]["p"]
            result[observed(date, days) == "yes"].append(p)
    for held, ps in result.items():
        print(
            f"{days:2} days, talks {'held' if held else 'not held'}: {len(ps)} forecasts,",
            f"mean probability {per_cent(np.mean(ps))}" if ps else "",
        )

# %% [markdown]
# Whether a side cracked cannot be looked up. The nearest thing is what the run of 30 June says of
# each window once it is over, and there the model is its own judge.

# %%
path = hindsight.tree["posterior"]["logit_belief"]
rows, lower = [], []
for date, month_result in zip(asked, month, strict=True):
    by = date + dt.timedelta(days=HORIZON)
    if by > END:
        continue
    # From two days before: a crack of three days may be complete on the day of the forecast.
    window = path.sel(time=slice(str(date - dt.timedelta(days=2)), str(by)))
    share = ((window < 0.0).rolling(time=3).sum() >= 3).any("time").mean(("chain", "draw"))
    row = {"as of": day(date)}
    for side, seen in share.to_series().items():
        t = month_result["crack", side]
        row[f"{side}: said then"] = f"{per_cent(t['p'])} (base {per_cent(t['base_rate'])})"
        row[f"{side}: seen from 30 June"] = per_cent(seen)
        lower.append(seen < t["p"])
    rows.append(row)
print(f"less than was said in {sum(lower)} of {len(lower)} windows")
pd.DataFrame(rows).set_index("as of")

# %% [markdown]
# ## What a morning costs
#
# Wall time of the whole command, from the shell and back: starting Python, reading the old run,
# the update, and writing the new run. An update that moves the particles takes longer. Times are
# those of the machine that ran this page last, and of whatever else it was doing.

# %%
seconds = pd.Series({m["date"]: m["seconds"] for m in mornings if m["date"] > START})
moved = pd.Series({m["date"]: bool(m["moved"]) for m in mornings if m["date"] > START})
codes = pd.Series({m["date"]: m["exit"] for m in mornings if m["date"] > START})
backs = [m["back"] for m in written if m["date"] > START]
pd.Series(
    {
        "mornings": len(seconds),
        "of which with nothing new (exit 4)": int((codes == 4).sum()),
        "of which stopped by the convergence check (exit 3)": int((codes == 3).sum()),
        "updates that moved the particles": int(moved.sum()),
        "updates that went back": int(np.count_nonzero(backs)),
        "most periods gone back": max(backs),
        "fewest effective particles": round(min(m["convergence"]["ess"] for m in written)),
        "largest Pareto k": round(max(m["convergence"]["pareto_k"] for m in written), 2),
        "update, median (s)": round(seconds.median(), 1),
        "update, slowest (s)": round(seconds.max(), 1),
        "track up to 7 April (s)": round(first_seconds, 1),
        "track up to 30 June in one go (s)": round(whole_seconds, 1),
    },
    dtype=object,
).to_frame("")

# %%
ax = house_axes(None, height=3.0)
bins = np.linspace(0.0, np.ceil(seconds.max()), 31)
ax.hist(
    [seconds[~moved], seconds[moved]],
    bins=bins,
    stacked=True,
    color=["#b9b6ae", INK],
    label=["particles kept", "particles moved"],
)
ax.set_xlim(0.0)
ax.set_xlabel("seconds of one update")
ax.set_ylabel("mornings")
ax.legend(frameon=False, fontsize=8.5)
plt.show()

# %%
shutil.rmtree(folder)

# %% [markdown]
# ## How to read this
#
# - **What moved beliefs.** As the truce began both sides lost heart overnight, chiefly by news from
#   the markets: the rial for Washington, the VIX and oil for Tehran. Seen from the end of June
#   neither had: what the two did and said later took those days back. That goes for the whole
#   replay. The largest part of a large move is more often the past seen anew than any one piece
#   of news, so a belief of this morning is a draft, and its interval is the thing to read.
# - **Cracks were cried too often.** The forecasts stood well above their base rates nearly all the
#   time, and in hindsight the model grants less than it had said in every window that is over. An
#   interval that reaches below one half is enough for a high chance of three days there within a
#   month. No decision should have rested on those numbers.
# - **Talks were not foreseen.** While a round is under way the model expects more of them at once:
#   in April that was its worst miss. On a day without talks it says much the same whatever has
#   happened, so the weeks before the rounds of May and June were given no more than other weeks.
#   The mean probability was higher where no talks followed than where they did. The windows
#   overlap and are few, which is why no score is printed; nothing here suggests skill in timing.
# - **The job holds.** No morning failed its check, and the last run agrees with the one that
#   tracking everything at once gives, for a small part of the time each morning. The bundled study
#   has rows every day, so no morning here was idle; and no row arrived late enough to make an
#   update go back.
