# %% [markdown]
# # A crisis day by day: the Falklands, 1982
#
# The panel of crises (ICBe, CC BY-NC-SA) holds who did what to whom in 278 crises, by the week. One
# of them becomes a study by the day here, `falklands-1982`: what each side did with force is its
# own scorecard, and every act stays an event.

# %%
import pandas as pd

import beliefs
from beliefs.reporting.axes import static

crisis = beliefs.load_study("crises/336")
names = {"a": "argentina", "b": "united_kingdom", "other": "other"}
acts = crisis.events.assign(
    initiator=crisis.events["initiator"].map(names), target=crisis.events["target"].map(names)
).drop(columns="event_id")
force = ["strike", "blockade", "deployment", "mobilisation", "territorial_gain"]
days = pd.date_range("1982-03-01", "1982-06-15")
by_day = acts[acts["kind"].isin(force)].groupby(["date", "initiator"]).size().unstack()
by_day = by_day.reindex(days).fillna(0)
frame = pd.DataFrame({
    "argentine force": by_day["argentina"],
    "british force": by_day["united_kingdom"],
})  # fmt: skip
study = beliefs.Study.from_frames(
    frame,
    sides={"Argentina": "argentine force", "United Kingdom": "british force"},
    events=acts,
    talks=crisis.talks.drop(columns="talk_id"),
    period=("1982-03-31", "1982-06-15", "day"),
    name="falklands-1982",
    settings={
        "title": "The Falklands crisis of 1982, day by day",
        "summary": "Who did what to whom from the invasion to the surrender.",
        "codebook": {"kinds": ["thought", "ally_joins"]},
    },
    sources="ICBe 1.1, crisis 336, CC BY-NC-SA 4.0. See the panel of crises and "
    "notebooks/09_falklands.",
)
tracked = beliefs.track(study, "simple", seed=1)
static(tracked.plot.beliefs())

# %% [markdown]
# The panel codes one thought of victory or of fear on either side: all else that is said of beliefs
# here comes from what each saw on its scorecard, and from the prior. `check` says what is missing,
# and which kinds of acts `simple` has no use for: here all, as force was counted before.

# %%
from beliefs.inference.advice import advice, unlearnable, unread

inputs = beliefs.build_inputs(study)
for sentence in advice(study, inputs):
    print("-", sentence)
print("prior alone:", ", ".join(unlearnable(inputs, tracked.theory)) or "nothing")
print("not read by simple:", ", ".join(unread(study, tracked.theory)))

# %% [markdown]
# Many of the acts are read by richer theories. How the chance of talks within a week went, under
# `simple` and under the theory of mutual optimism:

# %%
rows = []
for day in ("1982-04-07", "1982-04-21", "1982-05-05", "1982-05-20", "1982-06-14"):
    then = beliefs.load_study(study.path, as_of=day)
    said = {}
    for theory in ("simple", "mutual_optimism"):
        ahead = beliefs.forecast(beliefs.track(then, theory, particles=1000, seed=1), 7, seed=1)
        said[theory] = ahead.paths.talks.any(axis=1).mean()
    came = study.talks["date"].between(pd.Timestamp(day) + pd.Timedelta("1D"),
                                       pd.Timestamp(day) + pd.Timedelta("7D")).any()  # fmt: skip
    rows.append({"as of": day, **said, "talks came": came})
pd.DataFrame(rows).set_index("as of").style.format("{:.0%}", subset=["simple", "mutual_optimism"])
