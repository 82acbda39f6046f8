# %% [markdown]
# # Three theories of one confrontation
#
# Three public essays explain the confrontation of the United States and Iran: both sides think
# that they are winning (M1), the tit for tat *is* the peace (M2), de-escalation can be engineered
# (M3). Beside them stand a base rate without any theory (M0), the commitment problem, which none of
# the essays has (M4), and the stack of all (M5).
#
# **This is a hindcast**: whoever coded the studies knew how the case went on. What is compared is
# how well each theory forecast every period *from all before it*; what is judged is what two
# studies say of the 56 claims that the essays make.
#
# Computing takes about an hour on two cores. What was computed is kept beside the notebook; remove
# a file to compute it again.

# %%
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

import beliefs
from beliefs.model.theory import bundled_theories
from beliefs.reporting.axes import house_axes, legend_below, share_axis, time_axis
from beliefs.reporting.style import GREY, INK, REGIME_COLOURS, THEORY_COLOURS, VERDICT_COLOURS

SEED = 1
STUDIES = ("us-iran-2026", "us-iran-2012")
KEPT = Path("kept")

pd.set_option("display.width", 160, "display.max_columns", 20, "display.max_colwidth", 90)
pd.set_option("display.max_rows", 200)


def kept(name, compute):
    file = KEPT / f"{name}.json"
    if not file.exists():
        KEPT.mkdir(exist_ok=True)
        file.write_text(json.dumps(compute(), indent=1, ensure_ascii=False) + "\n")
    return json.loads(file.read_text())


def compared(study):
    theories = [beliefs.load_theory(name) for name in bundled_theories()]
    theories.sort(key=lambda t: t.id)
    return beliefs.compare(beliefs.load_study(study), theories, seed=SEED).as_dict()


def judged(study):
    loaded = beliefs.load_study(study)
    rows = [v.as_dict() for v in beliefs.verdicts(loaded, seed=SEED)]
    return {"study": study, "as_of": str(loaded.as_of), "verdicts": rows}


comparisons = {s: kept(f"compare_{s}", lambda s=s: compared(s)) for s in STUDIES}
claims = {s: kept(f"verdicts_{s}", lambda s=s: judged(s))["verdicts"] for s in STUDIES}

# %% [markdown]
# ## Which theory was right when
#
# The log score of talks, strikes of either side, and breach, collapse and resolution of truces,
# summed over periods. `elpd_diff` is against the best theory, `vs_base` against M0 with its 90 %
# interval (moving blocks of two weeks, or two months).

# %%
for study, found in comparisons.items():
    rows = [
        {
            "id": t["id"],
            "theory": t["title"],
            "elpd": t["elpd"],
            "elpd_diff": t["elpd_diff"]["total"],
            "dse": t["elpd_diff"]["error"],
            "vs_base": t["against_base_rate"]["total"],
            "low": t["against_base_rate"]["low"],
            "high": t["against_base_rate"]["high"],
            "weight": t["weight"],
        }
        for t in found["theories"]
    ]
    print(study)
    display(pd.DataFrame(rows).set_index("id").round(2))
    for better, worse in found["tied"]:
        print(f"{better} and {worse} cannot be told apart by this study.")

# %%
figure, panels = plt.subplots(2, 1, figsize=(10, 7.5), layout="constrained")
for ax, (study, found) in zip(panels, comparisons.items(), strict=True):
    house_axes(ax)
    weights = pd.DataFrame(found["weights"]).assign(as_of=lambda d: pd.to_datetime(d["as_of"]))
    first, last = weights["as_of"].iloc[[0, -1]]
    for regime in beliefs.load_study(study).spec.regimes:
        start, end = (pd.Timestamp(d or last) for d in (regime.start, regime.end))
        end += pd.Timedelta(days=1)  # its last day belongs to it
        if regime.kind in ("truce", "war") and end > first:
            ax.axvspan(max(start, first), min(end, last), color=REGIME_COLOURS[regime.kind], lw=0)
    ids = [c for c in weights.columns if c.startswith("M")]
    for name, colour in zip(ids, THEORY_COLOURS, strict=False):
        ax.plot(weights["as_of"], weights[name], color=colour, lw=1.8, label=name)
    ax.set_title(f"{study}: stacking weights; war and truce shaded", loc="left", fontsize=11)
    share_axis(ax, "weight")
    time_axis(ax)
legend_below(panels[1], 5)
plt.show()

# %% [markdown]
# By observable, against the base rate. A point right of the line: the theory forecast that
# observable better than constant rates did.

# %%
figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for ax, (study, found) in zip(panels, comparisons.items(), strict=True):
    house_axes(ax)
    names = found["observables"]
    theories = sorted((t for t in found["theories"] if t["by_observable"]), key=lambda t: t["id"])
    for k, t in enumerate(theories):
        shift = 0.6 * (k / (len(theories) - 1) - 0.5)
        for o, name in enumerate(names):
            gap = t["by_observable"][name]
            ax.plot([gap["low"], gap["high"]], [o + shift] * 2, color=THEORY_COLOURS[k], lw=1.6)
            label = t["id"] if o == 0 else None
            ax.plot(gap["total"], o + shift, "o", color=THEORY_COLOURS[k], ms=4, label=label)
    ax.axvline(0, color=INK, lw=0.8)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_title(study, loc="left", fontsize=11)
    ax.set_xlabel("log score against M0")
panels[1].legend(frameon=False, fontsize=9)
plt.show()

# %% [markdown]
# ## What two studies say of 56 claims
#
# Each claim is judged under the theory of its own text, with priors that leave the answer open.
# The rule, with all its limits, is in section 7 of `docs/MODEL.md`.

# %%
both = pd.DataFrame(
    {
        study: pd.Series({row["id"]: row["verdict"] for row in rows})
        for study, rows in claims.items()
    }
)
both.insert(0, "claim", pd.Series({row["id"]: row["title"] for row in claims[STUDIES[0]]}))
both

# %%
counts = both[list(STUDIES)].apply(pd.Series.value_counts).reindex(VERDICT_COLOURS).fillna(0)
counts.astype(int)

# %%
agree = both[(both[STUDIES[0]] == both[STUDIES[1]])]
learnt = both[(both[list(STUDIES)] != "not learnable here").all(axis=1)]
decided = learnt[learnt[list(STUDIES)].isin(["supported", "contradicted"]).all(axis=1)]
against = decided[decided[STUDIES[0]] != decided[STUDIES[1]]]
print(f"{len(learnt)} of {len(both)} claims can be learnt from both studies, {len(agree)} get the")
print(f"same verdict, {len(decided)} are decided by both, of which {len(against)} go opposite ways")
against


# %%
def plot_verdicts(rows):
    """Draw the probability of each claimed region before and after the data."""
    ax = house_axes(None, width=11.0)
    known = [row for row in rows if row.get("p_claim") is not None]
    for k, row in enumerate(known):
        colour = VERDICT_COLOURS.get(row["verdict"], GREY)
        ax.plot([k, k], [row["p_prior"], row["p_claim"]], color=colour, lw=1.4)
        ax.plot(k, row["p_prior"], "_", color=INK, ms=7)
        ax.plot(k, row["p_claim"], "o", color=colour, ms=5)
    for name, colour in VERDICT_COLOURS.items():
        if any(row["verdict"] == name for row in known):
            ax.plot([], [], "o", color=colour, ms=5, label=name)
    ax.plot([], [], "_", color=INK, ms=7, label="before the data")
    ax.set_xticks(range(len(known)), [row["id"] for row in known], rotation=90, fontsize=8)
    share_axis(ax, "probability of what is claimed")
    legend_below(ax, 5)
    return ax


for study, rows in claims.items():
    ax = plot_verdicts(rows)
    ax.set_title(f"{study}: probability of what is claimed, before and after the data", loc="left")
    plt.show()

# %% [markdown]
# ## The sentences
#
# One for each claim and study, text by text.

# %%
for essay in dict.fromkeys(row["essay"] for row in claims[STUDIES[0]]):
    print(f"\n{essay}\n{'=' * len(essay)}")
    for pair in zip(*(claims[s] for s in STUDIES), strict=True):
        if pair[0]["essay"] == essay:
            print(f"\n{pair[0]['id']} {pair[0]['title']}")
            for study, row in zip(STUDIES, pair, strict=True):
                print(f"  {study}: {row['sentence']}")

# %% [markdown]
# ## How to read this
#
# - **No theory wins outright** unless an interval above says so. A theory that explains more
#   observables has more to lose, and all are scored only on what all explain.
# - **A verdict is of one study, one coding and one theory's other assumptions.** Fifty-six claims
#   are judged at once; at these limits some are supported or contradicted by chance.
# - **Not learnable here** is a result: a hotline that nobody installed, a window that never lapsed,
#   attribution times that no table holds. No method can learn from what was not seen.
# - Talks are scored given the readings of their period; an envoy's conciliatory words on the day of
#   talks help the theories in which beliefs move talks, and not the others.
