# %% [markdown]
# # The First World War, from battles and exchange rates
#
# Battles say who wins on the ground, and a market that belongs to neither side says whom it
# believes: all through the war pounds and marks were traded in Stockholm. Both stand in the panel
# of wars that comes with a checkout. Here they become a study of one's own, by the month: battles
# are each side's own scorecard, rates are readings of its belief. It is the study
# `first-world-war`.

# %%
import pandas as pd

import beliefs
from beliefs.reporting.axes import static

war = beliefs.load_study("wars/world_war_i")
months = pd.period_range("1914-08", "1918-10", freq="M")
battles = war.events.assign(month=war.events["date"].dt.to_period("M"))
won = battles.groupby(["month", "initiator"]).size().unstack(fill_value=0).reindex(months)
rates = war.indicators.pivot_table(index="date", columns="indicator", values="value")
parity = rates.set_axis(rates.index.to_period("M"))
frame = pd.DataFrame({
    "allied victories": won["a"].fillna(0),
    "german victories": won["b"].fillna(0),
    "pound": parity["market_a"] / (1 + parity["market_a"]),  # one half at its value in gold
    "mark": parity["market_b"] / (1 + parity["market_b"]),
})  # fmt: skip
study = beliefs.Study.from_frames(
    frame,
    sides={"Allies": "allied victories", "Central Powers": "german victories"},
    readings={"Allies": "pound", "Central Powers": "mark"},
    talks=["1918-10-04"],
    period=("1914-08-01", "1918-10-31", "month"),
    name="first-world-war",
    settings={
        "title": "The First World War, by the month",
        "summary": "Battles won by each side, and the rates of pound and mark in Stockholm.",
    },
    sources="Battles: CDB90 (HERO), ODC-BY. Rates of Stockholm: Sveriges Riksbank. See the panel "
    "of wars and notebooks/08_first_world_war.",
)
tracked = beliefs.track(study, "simple", seed=1)
static(tracked.plot.beliefs())

# %% [markdown]
# Dotted: what each belief was as known then. The readings are what carries it: a rate at its value
# in gold is a share of one half, and the mark fell furthest from there in the autumn of 1917.
# Prices and trade move rates as well, so they are read through a channel that may be
# biased; how far, two rates alone can hardly tell.
#
# ## What the study can say, and what it cannot

# %%
from beliefs.inference.advice import advice, unlearnable

inputs = beliefs.build_inputs(study)
for sentence in advice(study, inputs):
    print("-", sentence)
print("prior alone:", ", ".join(unlearnable(inputs, tracked.theory)) or "nothing")

# %% [markdown]
# With the first and only talks in the last month there is nothing to learn from about when talks
# come: the forecast of talks is the base rate of interstate wars, here as of each autumn.

# %%
for year in range(1914, 1919):
    then = beliefs.load_study(study.path, as_of=f"{year}-09-30")
    ahead = beliefs.forecast(beliefs.track(then, "simple", seed=1), 3, seed=1)
    talks = ahead.paths.talks.any(axis=1).mean()
    belief = ", ".join(f"{side} {p:.0%}" for side, p in zip(
        then.spec.side_ids, tracked.filtered[int((tracked.ends <= then.as_of).sum()) - 1],
        strict=True))  # fmt: skip
    print(f"September {year}: {belief}; talks within 3 months {talks:.0%}")

# %% [markdown]
# In September 1918, weeks before Germany asked for an armistice, the chance is lower than in any
# year before. The belief of the Central Powers is low then, but `simple` has seen no talks follow a
# low belief, and claims no more than it has seen. Theories that make that claim are one word away:
# `beliefs.track(study, "mutual_optimism", seed=1)`.
