# %% [markdown]
# # Can you trust it?
#
# Five questions, each answered by runs and not by argument. Does a theory forecast better than
# climatology does? Do things that are given 30 % come three times in ten? Is what is computed the
# posterior at all? How much of a number is prior? And was it said in advance?
#
# **These are hindcasts**: rows are kept out until they were published, but whoever chose what to
# count knew how each case went on. The first three parts show what `data/evaluation` keeps of
# `beliefs backtest` and `beliefs calibrate`; the same runs are behind `docs/MODEL_CARD.md`, which
# has every number.

# %%
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import beliefs
from beliefs.evaluation.calibration import bands
from beliefs.evaluation.scores.skill import LEVEL
from beliefs.evaluation.scores.skilltable import HEADLINE, standings
from beliefs.inference.smc.track import posterior_at
from beliefs.reporting.axes import house_axes
from beliefs.reporting.style import GREY, INK, THEORY_COLOURS
from beliefs.study.bundled import data_folder

sys.path.append(str(data_folder().parent / "scripts"))
from evidence import read_backtest_summary, read_calibration

SEED = 1
PROGRAM = Path(sys.executable).with_name("beliefs")
FOLDER = data_folder() / "evaluation"
backtests = [read_backtest_summary(p.parent) for p in sorted(FOLDER.glob("backtests/*/*.json"))]
calibrations = [
    read_calibration(p.parent) for p in sorted(FOLDER.glob("calibrations/*/calibration.json"))
]
COLOURS = dict(zip(["M0", "M1", "M2", "M3", "M4"], THEORY_COLOURS, strict=False))
pd.set_option("display.width", 160, "display.max_columns", 20, "display.max_rows", 200)

# %% [markdown]
# ## Does it beat climatology?
#
# Every theory from rolling origins, against what had happened before the origin in windows as
# long. Right of the line the theory forecast better; the bar is the interval by blocks of origins.
# Pairs of target and window of which too little came, or for which too few windows fit, are left
# out and counted: nothing can be said of them.


# %%
def judged(summary):
    """Rows of skill against climatology of which something can be said."""
    skill = summary.skill
    head = skill[
        (skill["against"] == "climatology") & (skill["kind"].map(HEADLINE) == skill["score"])
    ]
    sure = {(s.target, s.horizon) for s in standings(skill) if not s.doubt}
    mine = [pair in sure for pair in zip(head["target"], head["horizon"], strict=True)]
    return head[np.asarray(mine, dtype=bool)].dropna(subset=["low"])


for summary in backtests:
    result, all_ = summary.about, standings(summary.skill)
    print(f"{result['study']}: {result['origins']} origins every {result['every']} days")
    print(f"  nothing can be said of {sum(s.doubt is not None for s in all_)} of {len(all_)} pairs")
    for s in all_:
        if not s.doubt:
            print(
                f"  {s.target} in {s.horizon} days: {', '.join(s.theories) or 'no theory'} better"
            )

# %%
shown = [(s.about["study"], judged(s)) for s in backtests]
shown = [(study, rows) for study, rows in shown if len(rows)]
sizes = [rows.groupby(["target", "horizon"]).ngroups for _, rows in shown]
figure, panels = plt.subplots(
    len(shown), 1, figsize=(9, 1.2 + 0.55 * sum(sizes)), layout="constrained", squeeze=False,
    height_ratios=sizes,
)  # fmt: skip
for ax, (study, rows) in zip(panels[:, 0], shown, strict=True):
    house_axes(ax)
    names = list(rows.groupby(["target", "horizon"], sort=False).groups)
    for row in rows.to_dict("records"):
        k = list(COLOURS).index(row["forecaster"])
        # In units of the baseline's own score, so that targets share an axis.
        low, mid, high = (row[c] / row["reference"] for c in ("low", "difference", "high"))
        y = names.index((row["target"], row["horizon"])) + 0.15 * (k - 2)
        ax.plot([low, high], [y, y], color=COLOURS[row["forecaster"]], lw=1.8)
        ax.plot(mid, y, "o", color=COLOURS[row["forecaster"]], ms=4)
    ax.axvline(0, color=INK, lw=0.8)
    ax.set_yticks(range(len(names)), [f"{t}, {h} days" for t, h in names])
    ax.invert_yaxis()
    ax.set_title(study, loc="left", fontsize=11)
handles = [
    plt.Line2D([], [], color=c, lw=1.8, marker="o", ms=4, label=n) for n, c in COLOURS.items()
]
panels[-1, 0].set_xlabel("share of climatology's score that is saved; above 0 the theory is better")
figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False, fontsize=9)
plt.show()

# %% [markdown]
# Constant rates (M0) are the baseline that a theory of beliefs has to beat. Where its interval
# against M0 lies above 0:

# %%
for summary in backtests:
    better = [s for s in standings(summary.skill, "M0") if s.theories]
    print(summary.about["study"], [(s.target, s.horizon, s.theories) for s in better] or "nowhere")

# %% [markdown]
# ## Do probabilities mean what they say?
#
# Observed frequency by forecast probability. Grey: where the share lies in
# nine of ten cases if forecasts are calibrated, given how few windows there are.

# %%
for summary in backtests:
    result = summary.reliability
    result = result[result["forecaster"].isin(list(COLOURS))]
    days = sorted(result["horizon"].unique())
    figure, panels = plt.subplots(
        len(days), len(COLOURS), figsize=(11, 2.4 * len(days) + 0.5), layout="constrained",
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    for line, horizon in zip(panels, days, strict=True):
        for ax, name in zip(line, COLOURS, strict=True):
            house_axes(ax)
            rows = result[(result["forecaster"] == name) & (result["horizon"] == horizon)]
            ax.plot([0, 1], [0, 1], color=GREY, lw=0.7)
            ax.vlines(rows["mean_p"], rows["low"], rows["high"], color=GREY, lw=5, alpha=0.3)
            ax.scatter(
                rows["mean_p"], rows["observed"], s=8 + 2 * rows["n"] ** 0.5, color=COLOURS[name],
                edgecolor=INK, linewidth=0.5, zorder=3,
            )  # fmt: skip
            ax.set_title(f"{name}, {horizon} days", fontsize=9, loc="left")
    figure.supxlabel("forecast", fontsize=9)
    figure.supylabel("observed", fontsize=9)
    figure.suptitle(summary.about["study"], fontsize=11, x=0.01, ha="left")
    plt.show()
    wrong = result[(result["observed"] < result["low"]) | (result["observed"] > result["high"])]
    chance = (1 - LEVEL) * len(result)
    print(f"{len(wrong)} of {len(result)} bins outside, about {chance:.1f} by chance")

# %% [markdown]
# ## Is it the posterior?
#
# Parameters drawn from the prior, studies drawn from the parameters, and the rank of the truth
# among posterior draws. The distribution function of the ranks less that of uniform ones stays in
# the band with 99 % probability if what is computed is the posterior; those outside are named.

# %%
columns = max(len(calibrations), 1)
figure, panels = plt.subplots(
    1, columns, figsize=(min(4.2 * columns, 12) + 3, 3.8), layout="constrained", squeeze=False,
    sharey=True,
)  # fmt: skip
for ax, found in zip(panels[0], calibrations, strict=False):
    house_axes(ax)
    n, draws = found.result["simulations"], found.result["draws"]
    band, places = bands(n, draws), np.arange(draws + 2)
    ax.fill_between(band.at, band.low, band.high, color=GREY, alpha=0.18, lw=0)
    for name, ranks in found.ranks.items():
        off = np.searchsorted(np.sort(ranks), places, side="left") / n - band.at
        out = name in found.result["outside"]
        ax.plot(
            band.at, off, color="#D55E00" if out else GREY, lw=1.5 if out else 0.5,
            alpha=1 if out else 0.5,
        )  # fmt: skip
    ax.set_title(f"{found.result['theory']}\n{n} simulations", loc="left", fontsize=10)
    ax.set_xlabel("rank of the truth, as a share")
    out = found.result["outside"]
    named = "\n".join([*out[:4], f"and {len(out) - 4} more"] if len(out) > 4 else out)
    ax.text(0.02, 0.98, named, transform=ax.transAxes, va="top", fontsize=8, color="#D55E00")
panels[0, 0].set_ylabel("off uniform")
plt.show()
pd.DataFrame(
    {
        "simulations": found.result["simulations"],
        "quantities": found.result["judged"],
        "outside": len(found.result["outside"]),
        "by chance": found.result["outside_by_chance"],
        "passed": found.result["passed"],
    }
    for found in calibrations
).set_index(pd.Index([found.result["theory"] for found in calibrations]))

# %% [markdown]
# ## How much of it is prior?
#
# Forecasts of `us-iran-2026` under mutual optimism: how each probability moves when the weight of
# the prior is doubled, and when that of the data is. A flag means that the prior says more than the
# data do. What was computed is kept beside the notebook; remove the file to compute it again.

# %%
AS_OF, HORIZON, PARTICLES = "2026-05-01", 30, 1000
KEPT = Path("kept") / "sensitivity_us-iran-2026.json"


def moved():
    study = beliefs.load_study("us-iran-2026", as_of=AS_OF)
    found = beliefs.track(study, beliefs.load_theory("M1"), particles=PARTICLES, seed=SEED)
    posterior = posterior_at(found, found.n_time - 1)
    # Power alone: no prior is made wider, which would track the study again for each.
    return beliefs.sensitivity(posterior, HORIZON, seed=SEED, scales=()).as_dict()


if not KEPT.exists():
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(moved(), indent=1, ensure_ascii=False) + "\n")
result = json.loads(KEPT.read_text())
rows = pd.DataFrame([p for p in result["probabilities"] if p["own_rule"]])
side = rows["side"].fillna("").map(lambda s: f" {s}" if s else "")
rows["asked"] = rows["target"] + side + " by " + rows["by"]
flagged = int(rows["prior_dominated"].sum())
print(f"as of {result['as_of']} {flagged} of {len(rows)} probabilities are flagged")
rows.set_index("asked")[["p", "mcse", "power_prior", "power_likelihood", "prior_dominated"]]

# %%
figure, ax = plt.subplots(figsize=(9, 0.8 + 0.24 * len(rows)), layout="constrained")
house_axes(ax)
at = np.arange(len(rows))
ax.barh(at - 0.18, rows["power_prior"], 0.34, color="#E69F00", label="prior twice as heavy")
ax.barh(at + 0.18, rows["power_likelihood"], 0.34, color="#56B4E9", label="data twice as heavy")
ax.axvline(0, color=INK, lw=0.8)
marks = [f"{a} †" if f else a for a, f in zip(rows["asked"], rows["prior_dominated"], strict=True)]
ax.set_yticks(at, marks, fontsize=8)
ax.invert_yaxis()
ax.set_xlabel("change of the probability; † follows the prior more than the data")
ax.legend(frameon=False, fontsize=9)
plt.show()

# %%
learnt = pd.DataFrame(result["contraction"])
few = int((~learnt["learnable"]).sum())
print(f"{few} of {len(learnt)} parameters are not learnable here: less than a tenth of the prior's")
print("width was taken away by the data.")

# %% [markdown]
# ## Was it said in advance?
#
# Not here: all of the above is hindsight. A ledger is how to change that, in three lines. A run's
# forecast goes in before its outcome, the outcome is looked up later by the rule that was
# registered, and any changed byte is found.


# %%
def command(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True)
    return done.stdout


with tempfile.TemporaryDirectory() as folder:
    run, ledger = Path(folder) / "run", Path(folder) / "ledger.jsonl"
    command("track", "us-iran-2026", "--theory", "M0", "--as-of", "2026-05-01", "--out", run)
    command("ledger", "add", run, "--ledger", ledger)
    command("ledger", "resolve", "--ledger", ledger)
    scored = json.loads(command("ledger", "score", "--ledger", ledger, "--json"))
    print(command("ledger", "verify", "--ledger", ledger).replace(f"{folder}/", ""))
pd.DataFrame(scored["classes"])[
    ["registered", "target", "days", "n", "events", "brier", "log_score"]
]

# %% [markdown]
# ## How to read this
#
# - Where the first figure shows no bar wholly to the right, the honest forecast is climatology.
# - Few windows make wide bands. That a dot lies in its band is no proof; that it lies outside is a
#   warning.
# - A calibrated posterior of a wrong theory is still wrong.
# - `docs/MODEL_CARD.md` says who should not use this, and for what.
