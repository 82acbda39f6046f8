# %% [markdown]
# # Many conflicts
#
# One war cannot teach ninety parameters; 245 crises of 1916 to 2016 teach some. Each is left out in
# turn: talks and agreements in it are forecast week by week from what the week before knew. What
# does a forecaster gain over the rate so far, over a regression on age, and over one on talks and
# force of the past? And what do beliefs add to recency?
#
# **These are hindcasts**: each row has its day, but the narratives that they come from were written
# when it was known how a crisis ended.
#
# What was computed is kept beside the notebook; remove the file to compute it again.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import beliefs
from beliefs.evaluation.calibration import bands
from beliefs.evaluation.panel import score_panel
from beliefs.inference.nuts.sampling import Sampling
from beliefs.reporting.axes import house_axes
from beliefs.reporting.style import GREY, INK, THEORY_COLOURS

THEORIES = ("M0", "M1", "M2", "M3", "M4")
KEPT = Path("kept") / "panel_crises.json"

panel = beliefs.load_panel("crises")
panel

# %% [markdown]
# A conflict of a panel is a study like any other.

# %%
beliefs.load_study("crises/196")

# %% [markdown]
# ## The scores
#
# One fit of the population of each theory by NUTS; each conflict is left out by weights of its
# draws (Vehtari, Gelman and Gabry 2017). Nats are sums of log scores over all weeks, against the
# online rate; the interval is a bootstrap over conflicts.

# %%
if not KEPT.exists():
    scores = score_panel("crises", THEORIES, folds=None, seed=1, sampling=Sampling(1200, 1000))
    KEPT.write_text(json.dumps(scores.as_dict(), indent=1) + "\n")
said = json.loads(KEPT.read_text())
print(f"{said['conflicts']} conflicts, {said['periods']} weeks, {said['with_talks']} with talks")
rows = [
    {"target": target, "weeks": int(h), "forecaster": name, "nats": row["over_online"]["nats"],
     "low": row["over_online"]["low"], "high": row["over_online"]["high"], "Brier": row["brier"]}
    for target, of in said["within"].items() for h, table in of.items()
    for name, row in table.items()
]  # fmt: skip
scores = pd.DataFrame(rows).set_index(["target", "weeks", "forecaster"])
scores.round({"nats": 1, "low": 1, "high": 1, "Brier": 4})

# %% [markdown]
# ## What beliefs add to recency
#
# M0 knows age, the conflict's own rate, and that talks excite talks; all theories build on that.
# Right of the line a theory forecast talks better than M0 did.

# %%
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
house_axes(axes)
others = [name for name in said["first_talks"] if name != "M0"]
for k, (h, table) in enumerate(said["within"]["talks"].items()):
    for j, name in enumerate(others):
        over = table[name]["over_M0"]
        y = j + 0.2 * (k - 1)
        colour = THEORY_COLOURS[int(name[1])]
        axes.hlines(y, over["low"], over["high"], color=colour, lw=2)
        axes.plot(over["nats"], y, "osD"[k], color=colour, ms=5)
        axes.annotate(f"{h} weeks", (over["high"], y), (4, 0), textcoords="offset points",
                      fontsize=7, va="center", color=INK)  # fmt: skip
axes.axvline(0, color=INK, lw=1)
axes.set(yticks=range(len(others)), yticklabels=others, xlabel="nats ahead of M0, 90 % interval")
plt.show()
print("weights of a stack:", {name: round(weight, 2) for name, weight in said["weights"].items()})

# %% [markdown]
# ## Are the probabilities right?
#
# Left: forecasts of talks within four weeks in tenths, and how often they were held; bars are 90 %
# intervals of a bootstrap over conflicts around what was forecast. Right: where the first talks of
# each conflict fall in the distribution that was forecast for them; if it is right the line stays
# in its simultaneous 99 % band.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for axes in (left, right):
    house_axes(axes)
bins = pd.DataFrame(said["reliability"]["talks 4"]["M0"])
left.plot([0, 0.7], [0, 0.7], color=GREY, lw=1)
left.vlines(bins["forecast"], bins["low"], bins["high"], color=GREY, lw=4, alpha=0.5)
left.plot(bins["forecast"], bins["observed"], "o", color=THEORY_COLOURS[1], ms=5)
left.set(xlabel="forecast", ylabel="observed", title="M0: talks within four weeks")
first = said["first_talks"]["M0"]
flat = bands(first["n"], len(first["counts"]) - 1)
right.fill_between(flat.at, flat.low, flat.high, color=GREY, alpha=0.3, lw=0)
below = np.cumsum([0, *first["counts"]]) / first["n"] - flat.at
right.plot(flat.at, below, "o-", color=THEORY_COLOURS[1], ms=4)
right.set(xlabel="place in the forecast distribution", ylabel="share below it, less the place",
          title=f"M0: first talks, p = {first['p']:.2f}")  # fmt: skip
plt.show()
inside = {
    what: {
        name: f"{sum(row['inside'] for row in bins)} of {len(bins)}" for name, bins in by.items()
    }
    for what, by in said["reliability"].items()
}
table = pd.DataFrame(inside)
table["first talks, p"] = [round(said["first_talks"][name]["p"], 2) for name in table.index]
table

# %% [markdown]
# ## Where the skill is
#
# By era and by length, in nats per conflict over the online rate.

# %%
groups = pd.DataFrame(
    {
        group: {"conflicts": row["conflicts"]}
        | {name: v["nats"] / row["conflicts"] for name, v in row.items() if name != "conflicts"}
        for group, row in said["groups"].items()
    }
).T
groups.astype({"conflicts": int}).round(2)

# %% [markdown]
# ## How well the populations were sampled

# %%
pd.DataFrame(said["checks"]).T

# %% [markdown]
# ## What a new conflict starts from
#
# A study takes the latest population that had ended before its first day; no conflict informs
# itself, and none informs its past.

# %%
study, theory = beliefs.load_study("us-iran-2026"), beliefs.load_theory("M0")
informed = beliefs.informed(theory, study)
pd.Series({name: str(table) for name, table in informed.priors.items()}, name="prior")

# %% [markdown]
# And what it gains there: the log score of talks, each day forecast from those before it.

# %%
found = {
    "own priors": beliefs.track(study, theory, seed=1),
    "population": beliefs.track(study, informed, seed=1),
}
talks = {
    name: np.nansum(track.predictive[:, track.observables.index("talks")])
    for name, track in found.items()
}
pd.Series(talks, name="log score of talks").round(2)
