"""`verdicts`: what a study says of every claim; the rule is explained in docs/MODEL.md section 7.2.

Each claim is judged under the theory of its text, with priors that leave the answer open
(`beliefs.model.theory.judged`). Two sets of tracks, of different seeds, serve all claims of a
theory: where they disagree the particles of one have not found the whole posterior.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beliefs.evaluation.claims import evidence, texts
from beliefs.evaluation.claims.evidence import Absent, Claim, Draws, Finding, Score, Seen, periods
from beliefs.evaluation.scores.skill import BLOCKS, block_length, difference
from beliefs.evaluation.workers import in_order
from beliefs.features.inputs import Inputs, build_inputs
from beliefs.inference.smc.blocks import Blocks, track_blocks
from beliefs.model.structure import columns, structure_of, until
from beliefs.model.theory import Theory, free_parameters, informed, judged
from beliefs.shown import Say
from beliefs.study.bundled import data_folder
from beliefs.study.load import Study

CONTRACTION = 0.10
SUPPORT, CONTRADICT = 0.9, 0.1
ODDS = 3.0
UNLEARNABLE = "not learnable here"
APART = 0.65  # sds between means of two tracks that disagree: R-hat above about 1.1
STREAM = 7919  # keeps what is drawn here apart from other uses of the seed
TAIL = 0.05  # left out of a shown interval on either side
BINS = 24
DIP = 0.6  # A valley between two peaks below this share of the lower one makes two modes
DRAWS, PRIOR_DRAWS = 4000, 20_000
PARTICLES: dict[float, int] = {
    1: 1000,
    7: 500,
}  # of one track by days of a period: studies of weeks are long
REPLICATE = 500_009  # what is added to a seed for a second set of tracks


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One row of the table: the claim as `data/claims.csv` states it, and what is said of it."""

    id: str
    essay: str  # the text that makes the claim
    author: str
    title: str
    claimed: str
    test: str
    theory: str
    kind: tuple[str, ...]
    verdict: str
    p_claim: float | None = None  # that the claim holds, after the data
    p_prior: float | None = None  # and before
    contraction: float | None = None
    log_bf: float | None = None  # of the ratio of odds
    delta_log_score: float | None = None  # by the part, with its 90 % interval
    delta_low: float | None = None
    delta_high: float | None = None
    scored: tuple[str, ...]  # observables of that score
    method: str  # see `Ablation`, or empty
    forecast: dict[str, Any] | None
    why: str
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return the row for a script; numbers rounded to what their errors leave."""
        row = vars(self) | {"kind": list(self.kind), "scored": list(self.scored)}
        return {
            k: round(float(v), 4 if k.startswith("p_") else 3) if isinstance(v, float) else v
            for k, v in row.items()
        }


@dataclass(frozen=True, eq=False)
class Ground:
    """What the claims of one theory are judged on."""

    theory: str
    step_days: float
    seen: Seen
    after: Draws  # from the posterior, of two tracks, one behind the other
    before: Draws
    gains: Mapping[str, evidence.Ablation]  # by id of the claim
    caveat: str = ""  # what a verdict that reads any doubtful parameter has to say
    doubtful: frozenset[str] = frozenset()


def load_claims() -> tuple[Claim, ...]:
    """Return every claim with what ``data/claims.csv`` states, in its order."""
    tests = {c.id: c for c in texts.CLAIMS}
    with (data_folder() / "claims.csv").open(encoding="utf-8", newline="") as opened:
        return tuple(replace(tests[row["id"]], text=row) for row in csv.DictReader(opened))


def verdicts(
    study: Study,
    *,
    seed: int,
    particles: int | None = None,
    claims: Sequence[Claim] | None = None,
    inputs: Inputs | None = None,
    forecasts: bool = True,
    population: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Say | None = None,
) -> tuple[Verdict, ...]:
    """Judge every claim by a study.

    Parameters
    ----------
    study
        From `beliefs.load_study`.
    seed
        Seed of everything random here.
    particles
        Number of particles of each block and track, as suits the study's periods when None.
    claims
        From `load_claims`; all of the package when None.
    inputs
        What the theories see instead of ``build_inputs(study)``.
    forecasts
        Whether to score what claims forecast, which takes futures from each origin of the study.
    population
        Whether earlier conflicts inform the priors of what no claim is about, under theories that
        have a population.
    workers, scheduler
        Who does the theories, see `beliefs.evaluation.workers`; this process alone when None.
    progress
        Called with a few words as it goes on.

    Returns
    -------
    tuple of Verdict
        In the order of the claims.

    Examples
    --------
    >>> from beliefs.evaluation.claims.verdicts import load_claims
    >>> claims = [claim for claim in load_claims() if claim.id == "C33"]
    >>> beliefs.verdicts(study, seed=1, particles=100, claims=claims, forecasts=False)[0].verdict
    'not learnable here'
    """
    claims = load_claims() if claims is None else claims
    inputs = build_inputs(study) if inputs is None else inputs
    particles = PARTICLES.get(inputs.step_days, 600) if particles is None else particles
    names = dict.fromkeys(claim.theory for claim in claims)
    chosen = {name: judged(name) for name in names}
    if population:
        about = {parameter for claim in claims for parameter in claim.null}
        each = [informed(of, study, keep=about, required=False) for of in chosen.values()]
        if all(theory.informed is None for theory in each):
            informed(each[0], study)  # says why none is
        chosen = dict(zip(names, each, strict=True))
    jobs = [(chosen[name], [c for c in claims if c.theory == name]) for name in names]
    shared = study, inputs, particles, seed, forecasts
    judgements = in_order(_judged, jobs, lambda: shared, workers, scheduler, progress)
    found = {one.id: one for mine in judgements for one in mine}
    return tuple(found[claim.id] for claim in claims)


def _judged(job: tuple[Theory, list[Claim]], shared: Any, say: Say) -> list[Verdict]:
    """Return the verdicts on the claims of one theory."""
    (theory, mine), (study, inputs, particles, seed, forecasts) = job, shared
    blocks, ground = _ground(theory, mine, shared, say)
    scores: dict[str, Score] = {}
    if forecasts and any(claim.forecasts is not None for claim in mine):
        base = track_blocks(study, "base_rate", particles=particles, seed=seed, inputs=inputs)
        say(f"{theory.id}: futures from the study's origins")
        scores = evidence.forecast_scores(mine, blocks, base, seed=seed)
    return [judge(claim, ground, seed, scores.get(claim.id)) for claim in mine]


def _ground(
    theory: Theory, claims: Sequence[Claim], shared: Any, say: Say
) -> tuple[Blocks, Ground]:
    """Track a theory on a study, with its parts and without them."""
    study, inputs, particles, seed, _ = shared
    structure = structure_of(inputs)
    say(f"{theory.id}: tracking")
    seeds = (seed, seed + REPLICATE)
    both = [track_blocks(study, theory, particles=particles, seed=s, inputs=inputs) for s in seeds]
    blocks, whole = both[0], columns(inputs)
    n = blocks.n_time
    inside = whole["cell_time"] < n
    cells = {k: v[inside] for k, v in whole.items() if k.startswith("cell_")}
    mine = until(whole, n) | cells | until(blocks.columns, n)
    seen = Seen(mine, structure)
    worth = [claim for claim in claims if not _missing(claim, seen)]
    say(f"{theory.id}: what each part adds")
    gains = evidence.ablations(worth, blocks, particles=particles, say=say)
    rng = np.random.default_rng([seed, STREAM])
    drawn = [b.params(DRAWS // 2, rng) for b in both]
    posterior = {name: np.concatenate([d[name] for d in drawn]) for name in drawn[0]}
    prior = blocks.prior(PRIOR_DRAWS, rng)
    tracks = [b.belief for b in both if b.belief is not None]
    if tracks and any(claim.paths for claim in worth):
        for known, shares in zip((posterior, prior), evidence.crack_shares(tracks), strict=True):
            known |= {evidence.JUMP_SHARE: shares} if len(shares) else {}
    after, before = (Draws(d, theory, structure, mine) for d in (posterior, prior))
    caveat, doubtful = "", frozenset[str]()
    for report in (r for r in (t.report() for t in tracks) if not r.passed):
        caveat = f"the track of beliefs failed its convergence check ({report.failures[0]})"
        freed = (p.name for p in free_parameters(theory, structure))
        doubtful = frozenset((*freed, evidence.JUMP_SHARE))
    return blocks, Ground(theory.id, inputs.step_days, seen, after, before, gains, caveat, doubtful)


def log_odds_ratio(p: float, p_prior: float, draws: int) -> float:
    """Return by how much the log odds of a region moved; draws bound what they can tell."""
    edge = 0.5 / max(draws, 1)
    p, p_prior = (float(np.clip(v, edge, 1.0 - edge)) for v in (p, p_prior))
    return float(np.log(p) - np.log1p(-p) - np.log(p_prior) + np.log1p(-p_prior))


def decide(
    *,
    missing: str = "",
    doubt: str = "",
    p: float | None = None,
    moved: float = 0.0,
    contraction: float = 1.0,
    delta: float | None = None,
    ablation: bool = False,
    limits: tuple[float, float] | None = None,
    score: Score | None = None,
) -> tuple[str, str]:
    """Return the verdict and why; p None without a region, `moved` in log odds, own `limits`."""
    if missing:
        return UNLEARNABLE, f"no observation of {missing} in this study"
    if p is None:
        return _by_forecast(score)
    if contraction < CONTRACTION:
        left = max(1.0 - contraction, 0.0)
        return UNLEARNABLE, f"the data leave {left:.0%} of the prior's width"
    if doubt:
        return "undecided", doubt
    if limits is not None:
        least, most = limits
        if p >= least:
            return "supported", f"a probability of at least {least:.0%} counts as possible"
        if p <= most:
            return "contradicted", f"a probability of at most {most:.0%} does not count as possible"
        return "undecided", f"the probability lies between {most:.0%} and {least:.0%}"
    if p <= CONTRADICT and moved <= -np.log(ODDS):
        return "contradicted", f"the odds fell {np.exp(-moved):.3g}-fold"
    if p >= SUPPORT and moved >= np.log(ODDS):
        if ablation and delta is not None and delta <= 0.0:
            return "undecided", "the sign is as claimed, but the part does not predict better"
        return "supported", f"the odds rose {np.exp(moved):.3g}-fold"
    if CONTRADICT < p < SUPPORT:
        return "undecided", "the probability is neither high nor low enough"
    return "undecided", "the odds moved less than threefold from what the prior had"


def _by_forecast(score: Score | None) -> tuple[str, str]:
    if score is None or score.n == 0:
        return UNLEARNABLE, "no forecast of the claim can be checked in this study"
    if score.n < BLOCKS:
        return "undecided", f"only {score.n} forecasts can be checked"
    why = f"mean log score {score.mean:+.2f} against the base rate over {score.n} forecasts, "
    why += f"{score.observed:.0%} of which saw it come"
    if score.low > 0.0 and score.observed > 0.5:
        return "supported", why
    return ("contradicted" if score.high < 0.0 else "undecided"), why


def _missing(claim: Claim, seen: Seen) -> str:
    """Return the words of the first thing that a claim needs and the study does not have."""
    return next((words for words, need in claim.needs.items() if not periods(need, seen)), "")


def judge(claim: Claim, ground: Ground, seed: int, score: Score | None = None) -> Verdict:
    """Return the verdict on a claim; `seed` is that of the resamples behind intervals."""
    absent, after = _missing(claim, ground.seen), Finding()
    numbers: dict[str, Any] = {}
    try:
        after = claim.test(ground.after)
        if after.held is not None:
            before = claim.test(ground.before)
            assert before.held is not None
            p, p_prior = float(after.held.mean()), float(before.held.mean())
            numbers |= {"p_claim": p, "p_prior": p_prior}
            numbers["contraction"] = _contraction(after, before)
            numbers["log_bf"] = log_odds_ratio(p, p_prior, len(after.held))
    except Absent as gone:
        absent = absent or f"{gone}, which it does not have"
    gain = ground.gains.get(claim.id)
    if gain is not None:
        block = block_length(ground.step_days)
        gap = difference(gain.gain, gain.seen, block=block, seed=[seed, STREAM, 1])
        delta = {"delta_log_score": gap.total, "delta_low": gap.low, "delta_high": gap.high}
        numbers |= {name: value for name, value in delta.items() if not np.isnan(value)}
    verdict, why = decide(
        missing=absent, doubt="" if absent else _doubt(after, ground), p=numbers.get("p_claim"),
        moved=numbers.get("log_bf", 0.0), contraction=numbers.get("contraction", 1.0),
        delta=numbers.get("delta_log_score"), ablation="ablation" in claim.kind,
        limits=claim.limits, score=score,
    )  # fmt: skip
    if claim.modes and not absent and two_modes(after.of[0][:, 0]):
        why += "; the posterior has two modes, whose weights are uncertain"
    if absent:  # nothing was seen that numbers could be about
        sentence = f"{claim.text['claim']}: {verdict}, {why}."
    else:
        reasons = _reasons(claim, ground.seen, numbers, score, why)
        sides = dict.fromkeys(evidence.ROLES, "no side") | evidence.roles_of(ground.seen.structure)
        said = claim.text["says"].format(p=numbers.get("p_claim"), **_shown(after), **sides)
        sentence = f"{said} {verdict[0].upper()}{verdict[1:]}: {'; '.join(reasons or [why])}."
    return Verdict(
        id=claim.id, essay=claim.text["title"], author=claim.text["author"],
        title=claim.text["claim"], claimed=claim.text["claimed_region"], test=claim.text["test"],
        theory=ground.theory, kind=claim.kind, verdict=verdict, scored=claim.score,
        method="" if gain is None else gain.method,
        forecast=None if score is None else score.as_dict(), why=why, sentence=sentence, **numbers,
    )  # fmt: skip


def _doubt(after: Finding, ground: Ground) -> str:
    """Return why the draws behind a claim are not to be relied on; empty where they are."""
    if ground.caveat and after.reads & ground.doubtful:
        return ground.caveat
    for values in after.of:
        one, two = np.array_split(values, 2)
        spread = np.maximum(values.std(axis=0), 1e-300)
        if (np.abs(one.mean(axis=0) - two.mean(axis=0)) > APART * spread).any():
            return "two tracks of different seeds disagree"
    return ""


def _contraction(after: Finding, before: Finding) -> float:
    """Return 1 - sd(posterior) / sd(prior), averaged over elements."""
    out: list[float] = []
    for one, two in zip(after.of, before.of, strict=True):
        if one.shape[1] == 0:
            raise Absent("an element of what the claim is about")
        out += list(1.0 - one.std(axis=0) / np.maximum(two.std(axis=0), 1e-300))
    return float(np.mean(out))


def _shown(after: Finding) -> dict[str, float]:
    out: dict[str, float] = {}
    for name, values in after.shown.items():
        low, high = np.quantile(values, [TAIL, 1.0 - TAIL])
        out |= {name: float(values.mean()), f"{name}_low": float(low), f"{name}_high": float(high)}
    return out


def _reasons(
    claim: Claim, seen: Seen, numbers: Mapping[str, float], score: Score | None, why: str
) -> list[str]:
    parts = []
    if "p_claim" in numbers:
        p, p_prior = numbers["p_claim"], numbers["p_prior"]
        parts.append(f"probability {p:.0%}, before the data {p_prior:.0%}")
    if claim.count is not None:
        parts.append(f"n = {periods(claim.count[1], seen)} {claim.count[0]}")
    if "p_claim" in numbers and score is not None and score.n:
        forecasts = f"its forecasts score {score.mean:+.2f} each against the base rate"
        parts.append(f"{forecasts} (n = {score.n})")
    if not why.startswith("the odds"):
        parts.append(why)
    elif "; " in why:
        parts.append(why.split("; ", 1)[1])
    return parts


def two_modes(values: np.ndarray) -> bool:
    """Return whether draws pile up in two places with a valley between them."""
    count = np.histogram(values, bins=BINS)[0].astype(float)
    smooth = np.convolve(count, [0.25, 0.5, 0.25], mode="same")
    top = int(smooth.argmax())
    return any(
        side[:k].min() < DIP * side[k:].max() and side[k:].max() > 0.15 * smooth[top]
        for side in (smooth[: top + 1][::-1], smooth[top:])
        for k in range(2, len(side))
    )
