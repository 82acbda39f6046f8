# %% [markdown]
# # The April window, replayed
#
# **This is a hindcast.** Whoever chose the indicators, the regimes and the label rules of this
# study knew how the case went on. No number below was published before its outcome, so none of
# them is evidence that the package can foresee anything. The replay shows what the package would
# have said, from rows published by then, on four days of 2026:
#
# | as of | what had just happened |
# |---|---|
# | 8 April | the two-week truce begins after 39 days of air war |
# | 12 April | second day of direct talks in Islamabad |
# | 21 April | the truce is extended by one side; Iranian ports are under blockade |
# | 17 June | the memorandum of sixty days |
#
# `load_study(..., as_of=...)` drops every row published later, once, at the door. Surprises are
# measured against what had been published before them, so nothing further in can look ahead.

# %%
import datetime as dt

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import beliefs
from beliefs.forecasting.summary import differences
from beliefs.model.contract import logistic
from beliefs.reporting import figures, series
from beliefs.reporting.axes import house_axes, legend_below, share_axis, static, time_axis
from beliefs.reporting.style import GREY, INK, SIDE_COLOURS

SEED = 1
DATES = [dt.date(2026, 4, 8), dt.date(2026, 4, 12), dt.date(2026, 4, 21), dt.date(2026, 6, 17)]

pd.set_option("display.width", 160, "display.max_columns", 20, "display.max_colwidth", 60)


def day(date):
    return f"{date:%d %b}".lstrip("0")


def per_cent(p):
    return f"{100 * p:.0f} %"


# %% [markdown]
# ## Four posteriors from one compiled model
#
# An as-of date changes the numbers, not the shape of the model, so PyMC's graph is compiled once.
# A fit may only be forecast from when it has converged (R-hat at most 1.01, effective sample
# size at least 400 for every parameter and every day of both beliefs, and so on).

# %%
theory = beliefs.load_theory("mutual_optimism")
posteriors = {
    date: beliefs.fit(beliefs.load_study("us-iran-2026", as_of=date), theory, seed=SEED)
    for date in DATES
}
converged = pd.DataFrame([p.report.as_dict() for p in posteriors.values()], index=map(day, DATES))
converged[["passed", "r_hat", "ess", "worst", "divergent_share", "e_bfmi"]]

# %%
forecasts = {date: beliefs.forecast(p, 90, seed=SEED) for date, p in posteriors.items()}
said = {date: beliefs.summarise(result) for date, result in forecasts.items()}

# %% [markdown]
# ## What each side believed, as known on the day
#
# Belief is the probability a side privately gives to prevailing. The two need not add up to one:
# that is what *mutual optimism* means. Intervals hold 90 %.

# %%
rows = []
for date, document in said.items():
    row = {"as of": day(date)}
    for b in document["belief"]:
        row[f"{b['side']} believes it prevails"] = (
            f"{per_cent(b['mean'])}  ({per_cent(b['lower'])} to {per_cent(b['upper'])})"
        )
    rows.append(row)
pd.DataFrame(rows).set_index("as of")

# %% [markdown]
# The points below are those numbers; the band is the same belief seen from 17 June. Where a point
# leaves the middle of the band, later rows changed the story about that day. Thin lines are the
# whole path as it stood on each earlier date.

# %%
hindsight = posteriors[DATES[-1]]
figure, panels = plt.subplots(2, 1, figsize=(9, 7.2), layout="constrained", sharex=True)
for side, ax in enumerate(panels):
    house_axes(ax)
    colour = SIDE_COLOURS[side]
    band = series.belief_bands(hindsight)[side]
    ax.fill_between(
        band.dates,
        band.low90,
        band.high90,
        color=colour,
        alpha=0.15,
        lw=0,
        label="seen on 17 Jun, 90%",
    )
    ax.plot(band.dates, band.mean, color=colour, lw=1.8, label="seen on 17 Jun, mean")
    for n, date in enumerate(DATES):
        then = series.belief_bands(posteriors[date])[side]
        if date != DATES[-1]:
            label = "the path as told on earlier dates" if n == 0 else None
            ax.plot(then.dates, then.mean, color=INK, lw=0.8, alpha=0.6, label=label)
        spread = [[then.mean[-1] - then.low90[-1]], [then.high90[-1] - then.mean[-1]]]
        ax.errorbar(
            then.dates[-1], then.mean[-1], spread, fmt="o", color=INK, ms=5, capsize=3,
            label="as known on the day, 90%" if n == 0 else None,
        )  # fmt: skip
    ax.axhline(0.5, color=GREY, lw=0.9, ls=(0, (4, 3)))
    share_axis(ax, "belief that it prevails")
    ax.set_xlim(np.datetime64("2026-02-15"), np.datetime64("2026-06-22"))
    ax.set_title(series.side_names(hindsight)[side], loc="left", fontsize=11)
    time_axis(ax)
legend_below(panels[1], 2)
plt.show()

# %%
static(figures.beliefs(hindsight))
plt.show()

# %% [markdown]
# ## What the forecasts said
#
# A side *cracks* when its belief stays below one half for three days. Talks are *rational* when
# the bargaining surplus stays positive for three days; whether they are *held* is a label anybody
# can check. Each probability stands beside its base rate: the same forecast from the prior alone
# for what nobody can observe, and for talks the pooled incidence of first talks in 49 other
# interstate wars, in a war that has gone without as long as the study has.

# %%
WORDS = {
    ("crack", "us"): "US cracks",
    ("crack", "iran"): "Iran cracks",
    ("crack_first", "us"): "US cracks first",
    ("crack_first", "iran"): "Iran cracks first",
    ("talks_rational", None): "talks become rational",
    ("talks", None): "talks are held",
}
table = {}
for date, document in said.items():
    for t in document["targets"]:
        days = (dt.date.fromisoformat(t["by"]) - date).days
        if days in (30, 90) and (t["target"], t["side"]) in WORDS:
            mark = " †" if t["prior_dominated"] else ""
            key = (f"within {days} days", WORDS[t["target"], t["side"]])
            cell = f"{per_cent(t['p'])}{mark}  (base {per_cent(t['base_rate'])})"
            table.setdefault(key, {})[day(date)] = cell
pd.DataFrame(table).T.sort_index(level=0, sort_remaining=False)

# %% [markdown]
# † follows the prior more than the data. The base rate of talks counts *first* talks in wars
# that had none. From 12 April, with envoys in the room, it is the wrong class to beat, and it is
# printed only so that nobody has to guess what the number is compared with.

# %%
figure, panels = plt.subplots(2, 2, figsize=(10, 6.8), layout="constrained", sharey=True)
for ax, (date, result) in zip(panels.flat, forecasts.items(), strict=True):
    static(figures.cracks(result), ax=ax)
    ax.set_title(f"as of {day(date)}", loc="left", fontsize=11)
    ax.set_ylim(0, 1)
    if ax is not panels.flat[2]:
        ax.get_legend().remove()
    if ax in panels[:, 1]:
        ax.set_ylabel("")
handles, labels = panels.flat[2].get_legend_handles_labels()
panels.flat[2].get_legend().remove()
figure.legend(handles, labels, loc="outside lower center", ncol=4, frameon=False, fontsize=9)
figure.suptitle("P(crack by that day) as told on four dates; the prior alone dashed", fontsize=11)
plt.show()

# %% [markdown]
# ## What then happened
#
# Talks under the headline rule of the study (`talks_rule.headline`), read off the label table as it
# stood on 30 June. Beliefs, cracks and rationality cannot be looked up anywhere, so those forecasts
# are not scored here and never will be by a label.

# %%
study = beliefs.load_study("us-iran-2026")
inputs = beliefs.build_inputs(study)
talk_days = inputs.dates[inputs.talks == 1].astype(object)
end = study.spec.period.end

rows = []
for date, document in said.items():
    later = [d for d in talk_days if d > date]
    for t in document["targets"]:
        by = dt.date.fromisoformat(t["by"])
        days = (by - date).days
        if t["target"] != "talks" or days not in (7, 30, 90):
            continue
        held = any(d <= by for d in later)
        known = held or by <= end
        rows.append(
            {
                "as of": day(date),
                "window": f"{days} days",
                "forecast": per_cent(t["p"]),
                "base rate": per_cent(t["base_rate"]),
                "talks that day": "yes" if date in talk_days else "no",
                "next talks": day(later[0]),
                "held in the window": ("yes" if held else "no") if known else "not known yet",
            }
        )
pd.DataFrame(rows).set_index(["as of", "window"])

# %%
rounds = study.talks[study.talks["date"] >= "2026-04-01"]
rounds[["date", "date_end", "format", "label", "venue", "confidence"]].reset_index(drop=True)

# %% [markdown]
# The nearest thing to an outcome of a crack is what the same model says of that month once it is
# over. It is no test: the model is its own judge here.

# %%
p = logistic(np, hindsight.tree["posterior"]["logit_belief"])
rows = []
for date in DATES[:-1]:
    by = date + dt.timedelta(days=30)
    # From two days before: a crack of three days may be complete on the day of the forecast.
    month = p.sel(time=slice(str(date - dt.timedelta(days=2)), str(by)))
    cracked = ((month < 0.5).rolling(time=3).sum() >= 3).any("time").mean(("chain", "draw"))
    for side, share in cracked.to_series().items():
        result = next(
            t
            for t in said[date]["targets"]
            if (t["target"], t["side"], t["by"]) == ("crack", side, str(by))
        )
        rows.append((day(date), WORDS["crack", side], per_cent(result["p"]), per_cent(share)))
pd.DataFrame(rows, columns=["as of", "within 30 days", "said then", "seen from 17 June"]).set_index(
    ["as of", "within 30 days"]
)

# %% [markdown]
# Twelve windows, all from one case and most of them overlapping, are far too few for a score to
# mean anything; a Brier score is left out for that reason.
#
# ## What the study could teach
#
# Contraction is 1 - sd(posterior) / sd(prior), as of 17 June: 0 means that the data left the prior
# as it was. Most scorecard weights hardly move.

# %%
prior, after = hindsight.tree["prior"], hindsight.tree["posterior"]
learnt = []
for name, values in after.data_vars.items():
    if name in ("logit_belief", "audience", "surplus") or name not in prior:
        continue
    shrink = 1 - values.std(("chain", "draw")) / prior[name].std(("chain", "draw"))
    for label, share in shrink.to_series().items() if shrink.ndim else [("", float(shrink))]:
        label = "·".join(label) if isinstance(label, tuple) else label
        learnt.append({"parameter": name, "of": label, "contraction": round(float(share), 2)})
learnt = pd.DataFrame(learnt)
print(
    f"{(learnt['contraction'] < 0.1).sum()} of {len(learnt)} parameters contract by less than 10 %"
)
learnt.sort_values("contraction", ascending=False).head(12).reset_index(drop=True)

# %%
static(figures.scorecards(hindsight))
plt.show()

# %% [markdown]
# ## What if?
#
# Three interventions, each a week after 21 April, against the same futures without it (the same
# draws and the same randomness, so the difference has a smaller error than either number). A rial
# that loses 30 % in a day is news of several standard deviations and is clipped at four. The jump
# of a shock that nobody has seen is drawn from its prior, so the last two rows say mostly how
# much is *assumed*.

# %%
origin = DATES[2]
when = dt.date(2026, 4, 28)
what_if = {
    "rial loses 30 %": beliefs.Intervention("path", when, indicator="usd_irr", change=0.30),
    "new leadership in the US": beliefs.Intervention("turnover", when, side="us"),
    "escalation": beliefs.Intervention("escalation", when),
}
rows = []
for name, item in what_if.items():
    changed = beliefs.forecast(posteriors[origin], 90, seed=SEED, interventions=[item])
    for d in differences(changed, forecasts[origin]):
        if d["by"] == str(origin + dt.timedelta(days=30)) and (d["target"], d["side"]) in WORDS:
            words = WORDS[d["target"], d["side"]]
            change = f"{100 * d['difference']:+.1f} ± {100 * d['mcse']:.1f}"
            rows.append({"what if": name, "target": words, "points": change})
pd.DataFrame(rows).pivot(index="what if", columns="target", values="points").loc[list(what_if)]

# %% [markdown]
# ## How to read this
#
# - **Beliefs.** The story changes as rows come in. On 8 April the model put the United States below
#   even odds, with an interval from a fifth to nearly six tenths; seen from June, it stood well
#   above them on the same day. The same went for Iran on 12 April. Intervals that wide are the
#   message, not their middles. The anchor is assumed: coded acts are taken as unbiased measurements
#   of belief.
# - **Cracks.** No table will ever say whether a crack came, but the table above holds the fit of
#   June against those of April. On 8 April a crack of the United States within a month had more
#   than nine chances in ten, on 12 April one of Iran three in four. Seen from June the first is
#   nearly excluded and the second unlikely: later rows took the story back.
# - **Talks.** The forecast of 8 April was followed by talks within three days, to which it gave
#   about one chance in five for the week. That of 12 April gave talks within 30 days more than
#   nine chances in ten, and none were held until 25 May. It is a miss; one case cannot tell bad
#   luck from a bad model.
# - **The theory.** Mutual optimism says that talks start when the bargaining surplus is high, and
#   its prior keeps that sign. The cell below shows what the case adds: the effect on talks starting
#   shrinks to a fraction of what the prior allows. Left free, it turns negative (README).
# - **Interventions** move what the theory lets them move, by weights that the data barely pin down.

# %%
effect, assumed = (hindsight.tree[g]["surplus_effect"] for g in ("posterior", "prior"))
pd.DataFrame(
    {
        "mean": effect.mean(("chain", "draw")).to_series(),
        "5 %": effect.quantile(0.05, ("chain", "draw")).to_series(),
        "95 %": effect.quantile(0.95, ("chain", "draw")).to_series(),
        "prior mean": assumed.mean(("chain", "draw")).to_series(),
        "prior 95 %": assumed.quantile(0.95, ("chain", "draw")).to_series(),
    }
).round(2)
