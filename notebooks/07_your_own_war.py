# %% [markdown]
# # Your own war, from a data frame
#
# The figures here are made up: a war of attrition by the month, of which one knows what a newspaper
# prints. Losses of one side and the grain that it exports, villages that the other holds, a poll
# that asks one public whether it is winning, and four days on which the two sides met. In the first
# cell they become a study, a posterior and a forecast.

# %%
import numpy as np
import pandas as pd

import beliefs
from beliefs.reporting.axes import static

months = pd.date_range("2021-01-31", periods=48, freq="ME")
rng = np.random.default_rng(4)
tide = np.cumsum(rng.normal(size=48))  # which way the war goes
frame = pd.DataFrame({
    "losses": rng.poisson(30 * np.exp(0.12 * tide)),  # of the south
    "grain": 100 * np.exp(-0.05 * tide + 0.05 * rng.normal(size=48)),  # exports of the south
    "villages": 100 * np.exp(0.04 * tide + 0.05 * rng.normal(size=48)),  # held by the north
    "poll": np.where(np.arange(48) % 3, np.nan, 1 / (1 + np.exp(-0.3 * tide))),  # of the north
}, index=months)  # fmt: skip

study = beliefs.Study.from_frames(
    frame,
    sides={"north": "villages", "south": ["-losses", "grain"]},
    readings={"north": "poll"},
    talks=["2022-11-03", "2023-06-20", "2023-06-21", "2024-03-05"],
    name="attrition",
)
tracked = beliefs.track(study, "simple", seed=1)
ahead = beliefs.forecast(tracked, 12, seed=1)
static(tracked.plot.beliefs())

# %% [markdown]
# The dotted lines are what each belief was as known then, the others what it was as known now.
# What lies ahead:

# %%
static(ahead.plot.fan())

# %%
for target in beliefs.summarise(ahead)["targets"]:
    if target["target"] in ("talks", "crack") and target["p"] is not None:
        print(target["by"], target["target"], target["side"] or "", f"{target['p']:.0%}")

# %% [markdown]
# ## What was guessed
#
# Nobody said that the study is by the month, that losses are counts, that a rise of `grain` is bad
# for the north, or when the first month is that may be news: that was guessed from the figures, and
# `study.toml` marks it. What the study cannot tell is said by `beliefs check`, here in Python.

# %%
print("".join(line for line in (study.path / "study.toml").open() if "guessed" in line))

# %%
from beliefs.inference.advice import advice, unlearnable

inputs = beliefs.build_inputs(study)
for sentence in advice(study, inputs):
    print("-", sentence)
print("prior alone:", ", ".join(unlearnable(inputs, tracked.theory)) or "nothing")

# %% [markdown]
# ## Before any reading
#
# The prior moves with the evidence, but nobody's words, polls or meetings have been seen. What
# those teach is the difference between the two pictures.

# %%
static(beliefs.prior(study, "simple", seed=1).plot.beliefs())

# %% [markdown]
# ## A month later
#
# New rows go in by `update`; `tracked` stays as it was.

# %%
new = pd.DataFrame({
    "indicator": ["losses", "villages"], "value": [55, 130.0],
    "date": ["2025-01-31"] * 2, "published_at": ["2025-02-01"] * 2,
})  # fmt: skip
later = beliefs.update(tracked, data=new)
for k, side in enumerate(study.spec.side_ids):
    print(f"{side}: {tracked.filtered[-1, k]:.0%} -> {later.track.filtered[-1, k]:.0%}")
