"""What futures know of their past is what the features say of it: one past, computed both ways."""

import re
from dataclasses import replace

import numpy as np
import pytest
from make_actions import ACTIONS, row, write_actions
from make_study import END, day, event, talk

from beliefs import build_inputs, load_study
from beliefs.features.surprises import CLIP
from beliefs.inference.smc.unconstrained import coordinates_of
from beliefs.model.mechanisms import reciprocity
from beliefs.model.structure import action_columns, columns, structure_of
from beliefs.model.theory import free_parameters, load_theory, null_values
from beliefs.simulation.actions import AT_TRUCE, COLLAPSE, Actions, Equations, Period, Transitions
from beliefs.simulation.future import future_columns
from beliefs.simulation.interventions import effects_of
from beliefs.simulation.paths import _talked, future_dates
from beliefs.simulation.signals import signal_updates
from beliefs.simulation.state import Streams, setting_of, start_of

N, TRUCE, BROKEN, AGAIN = 56, 18, 33, 38
REGIME = '[[regimes]]\nid = "{}"\nkind = "{}"\nstart = {}\nend = {}\nlabel = "A spell"\n'


def past(folder, step, seed):
    """A study of 56 periods in which each side's acts of a period are equally severe."""
    rng, rows, talks = np.random.default_rng(seed), [], []
    for t in range(-5, N):
        for side, target in (("north", "south"), ("south", "north")):
            severity = int(rng.integers(2, 6))
            for k in range(rng.binomial(2, 0.05 if TRUCE < t <= BROKEN or t > AGAIN else 0.25)):
                by = "israel" if side == "north" and rng.random() < 0.3 else side
                rows.append(
                    event(f"{side}{t + 5}n{k}", t * step, initiator=by, target=target,
                          severity=severity)
                )  # fmt: skip
        if rng.random() < 0.15:
            rows.append(event(f"O{t + 5}", t * step, kind="offer", severity=""))
            for kind in ("acceptance", "counter_offer") if rng.random() < 0.5 else ():
                # Futures take a reply that is no rejection for both.
                name = f"{kind}{t + 5}"
                rows.append(event(name, t * step, initiator="north", kind=kind, severity=""))
        if t % 3 == 0 and rng.random() < 0.3:
            talks.append(talk(f"T{t + 5}", t * step))
        elif rng.random() < 0.08:
            talks.append(talk(f"C{t + 5}", t * step, label="cancelled"))
    spells = [("first", "war", -5, TRUCE - 1), ("pause", "truce", TRUCE, BROKEN - 1),
              ("second", "war", BROKEN, AGAIN - 1), ("peace", "truce", AGAIN, N)]  # fmt: skip
    regimes = "".join(
        REGIME.format(name, kind, day(first * step), day((last + 1) * step - 1))
        for name, kind, first, last in spells
    )
    toml = re.sub(r"\[\[regimes\]\].*?(?=\[\[shocks\]\])", regimes + "\n", ACTIONS, flags=re.S)
    toml = toml.replace(f"end = {END}", f"end = {day(N * step - 1)}")
    toml = re.sub(r"\[\[spoilers\]\].*", "", toml, flags=re.S)
    toml = toml.replace('step = "day"', f'step = "{"day" if step == 1 else "week"}"')
    toml += '[waiver]\nkinds = ["sanctions_relief"]\nmemory = 9\n'
    agreements = [
        row("G1", TRUCE * step, ended=BROKEN * step, end_kind="collapse"),
        row("G2", AGAIN * step),
    ]
    for kind in ("sanctions_relief", "mediation", "talks_announced"):
        rows.append(event(kind, 2 * step, initiator="north", kind=kind, severity=""))
    dense = [(day(-60), day(N * step), "dense", "digest", "")]
    return write_actions(
        folder, toml=toml, events=rows, talks=talks, agreements=agreements, coverage=dense
    )


@pytest.mark.parametrize("origin", [10, 25])
@pytest.mark.parametrize("step", [1, 7])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_state_of_a_future_is_what_the_features_say_of_its_past(tmp_path, seed, step, origin):
    folder = past(tmp_path / "s", step, seed)
    whole = build_inputs(load_study(folder, as_of=day(N * step - 1)))
    study = load_study(folder, as_of=day(origin * step - 1))
    inputs, seen, features = build_inputs(study), whole.observed, action_columns(whole)
    structure, theory = structure_of(inputs), load_theory("managed_deescalation")
    known = coordinates_of(list(free_parameters(theory, structure, "actions")), structure)
    params = null_values(theory, structure, "actions")
    params |= {k: v[0] for k, v in known.params(np.zeros((1, known.size))).items()}
    setting = setting_of(study, inputs, theory)
    state = start_of(study, inputs, setting, params, 1)
    effects = effects_of((), study, inputs, future_dates(inputs, N))
    equations = Equations(params, structure, setting.names)
    decayed = reciprocity.decayed(np, params, features, structure)
    fed = setting.feed.indicator

    def agree(name, found, expected):
        np.testing.assert_allclose(np.squeeze(found), expected, atol=1e-9, err_msg=f"{name}, {t}")

    for t in range(origin, N):
        period = Period(setting, equations, Streams(1, 1), effects, t - origin, state)
        now, held = period._known(), np.array([whole.talks[t] > 0])
        names = ["own_recent", "pause", "calm", "walkout_fresh", "deal_near", "round_number",
                 "talks_recent", "spell_age", "provocation"]  # fmt: skip
        if seen.truce_seen[t]:
            names += ["truce_age", "breaches_past", "quiet_passed", "has_deadline", "at_deadline"]
        for name in names:
            agree(name, now[name], features[name][..., t])
        agree("walkout_at_risk", now["walkout_at_risk"], seen.walkout_at_risk[t])
        agree("decayed", state.decayed, decayed[:, t])
        agree("spell", state.truce.on, seen.truce_seen[t])
        count, none = seen.strike_count[:, t], np.zeros(1, dtype=bool)
        acts = Actions(
            strikes=count[None], severity=3.0 * np.exp(seen.severity_log[:, t])[None],
            crossing=np.zeros((1, 2), bool), breach=np.array([seen.breach[t] > 0]), added=none,
            disobeyed=seen.disobeyed[:, t][None] > 0, excluded=none, peripheral=none, zones=none,
            concession=seen.concession[:, t][None] > 0,
            replied=np.array([seen.reply_yes[t] > 0]), sanction=none,
            walkout=np.array([seen.walkout[t] > 0]),
        )  # fmt: skip
        ended = np.array([COLLAPSE if t == BROKEN else 0])
        place = np.array([AT_TRUCE]) if t in (TRUCE, AGAIN) else state.conflict_phase
        gone = np.zeros((1, 2))
        ends = Transitions(ended, none, none, gone, period._after(ended, none, gone, place))
        after = period.left(acts, ends)
        agree("heavy", np.log1p(after.heavy), seen.heavy[:, t])
        agree("proxy_attack", after.proxy, seen.proxy_attack[t])
        counted = {fed.index(k): count[1] * acts.severity[0, 1] for k in fed}
        news, mean, miss = signal_updates(
            setting.feed, after, acts, np.zeros((1, len(fed))), counted, t - origin
        )
        agree("resolve", np.maximum(news[:, -2:], 0.0) / CLIP, whole.resolve[:, t])
        agree("surprise", news[:, : len(fed)], whole.surprise[list(fed), t].squeeze())
        after = replace(after, mean=mean, miss=miss)
        state = _talked(after, acts, ends, held, step)


@pytest.mark.parametrize("step", [1, 7])
def test_what_only_fades_does_so_in_futures_as_it_was_fitted(tmp_path, step):
    folder = past(tmp_path / "s", step, 1)
    study = load_study(folder, as_of=day(12 * step - 1))
    inputs = build_inputs(study)
    index = np.zeros((1, 20), dtype=int)
    found, _ = future_columns(inputs, structure_of(inputs), columns(inputs), index)
    whole = build_inputs(load_study(folder, as_of=day(N * step - 1)))
    for name in ("waiver", "mediator", "announced"):
        before, after = (columns(one)[name] for one in (inputs, whole))
        assert before[11] > 0 and before[0] == 0
        np.testing.assert_allclose(found[name][0], after[12:32])
