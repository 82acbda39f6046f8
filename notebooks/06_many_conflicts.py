# %% [markdown]
# # Many conflicts
#
# One war cannot teach ninety parameters; 245 crises of 1918 to 2016 teach some. Each is left out in
# turn, and talks in it are forecast week by week from what the week before knew. The question is
# what a forecaster gains over the rate of talks so far, over a regression on age, and over one on
# talks and force of the past.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import beliefs
from beliefs.evaluation.panel import score_panel
from beliefs.reporting.axes import house_axes
from beliefs.reporting.style import GREY, INK, THEORY_COLOURS

panel = beliefs.load_panel("crises")
panel

# %% [markdown]
# A conflict of a panel is a study like any other.

# %%
beliefs.load_study("crises/196")

# %% [markdown]
# ## The scores
#
# One fit of the population by NUTS; each conflict is left out by weights of its draws (Vehtari,
# Gelman and Gabry 2017). Nats are sums of log scores over 6,620 weeks, against the online rate.

# %%
scores = score_panel("crises", ["M0"], seed=1)
said = scores.as_dict()
rows = [
    {"talks within (weeks)": int(h), "forecaster": name, "nats": row["over_online"]["nats"],
     "low": row["over_online"]["low"], "high": row["over_online"]["high"], "Brier": row["brier"]}
    for h, table in said["within"].items() for name, row in table.items()
]  # fmt: skip
pd.DataFrame(rows).set_index(["talks within (weeks)", "forecaster"]).round(4)

# %% [markdown]
# ## Are the probabilities right?
#
# Left: forecasts of talks within four weeks in tenths, and how often they were held; bars are 90 %
# intervals of a bootstrap over conflicts around what was forecast. Right: where the first talks of
# each conflict fall in the distribution that was forecast for them; flat if it is right.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
bins = pd.DataFrame(scores.reliability("M0"))
for axes in (left, right):
    house_axes(axes)
left.plot([0, 0.7], [0, 0.7], color=GREY, lw=1)
left.vlines(bins["forecast"], bins["low"], bins["high"], color=GREY, lw=4, alpha=0.5)
left.plot(bins["forecast"], bins["observed"], "o", color=THEORY_COLOURS[1], ms=5)
left.set(xlabel="forecast", ylabel="observed", title="Talks within four weeks")
u = scores.pit("M0")
right.hist(u, bins=10, range=(0, 1), color=THEORY_COLOURS[1], alpha=0.7)
right.axhline(len(u) / 10, color=INK, lw=1)
first = said["first_talks"]["M0"]
right.set(xlabel="place in the forecast distribution", ylabel="conflicts",
          title=f"First talks, p = {first['p']:.2f}")  # fmt: skip
plt.show()

# %% [markdown]
# ## Where the skill is
#
# By era and by length, in nats per conflict.

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
# ## What a new conflict is told
#
# A study takes the latest population that had ended before its first day; no conflict informs
# itself, and none informs its past.

# %%
study, theory = beliefs.load_study("us-iran-2012"), beliefs.load_theory("M0")
informed = beliefs.informed(theory, study)
pd.Series({name: str(table) for name, table in informed.priors.items()}, name="prior")

# %% [markdown]
# And what it gains there: the log score of talks, each week forecast from those before it.

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
