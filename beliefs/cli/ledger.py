"""Register forecasts before their outcome, look outcomes up later, score them."""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

import beliefs
from beliefs.cli import options as opt
from beliefs.errors import ConflictError, StudyError, counted
from beliefs.inference.sampled import PARTICLES
from beliefs.inference.smc.track import belief_now
from beliefs.records.ledger.chain import fix as cut
from beliefs.records.ledger.register import entry_of, read_ledger, register, utc_now
from beliefs.records.ledger.register import verify as recompute
from beliefs.records.ledger.resolve import OPEN, TIMINGS
from beliefs.records.ledger.resolve import resolve as look_up_all
from beliefs.records.ledger.resolve import score as score_all

ledger = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode="markdown")
YES = ("no", "yes")
LedgerOpt = Annotated[Path, typer.Option("--ledger", help="The ledger, a file of JSON lines.")]


@ledger.command()
def add(
    run: opt.Run,
    file: Annotated[
        Path, typer.Option("--ledger", help="The ledger; begun anew.", callback=opt.to_write())
    ],
    horizon: Annotated[int | None, typer.Option(min=1, help="Periods ahead; made anew.")] = None,
    seed: opt.AnySeed = None,
    allow_failed: opt.Failed = False,
    as_json: opt.Json = False,
) -> None:
    """Register the forecast of a run, and print the head of the ledger."""
    entry = entry_of(run, horizon=horizon, seed=seed, allow_failed=allow_failed)
    done = register(file, entry)
    said, late = done.forecast, sum(t.late for t in done.forecast.targets)
    row = {"ledger": str(file), "line": done.n, "head": done.head, "late": late}
    days = sorted({t.by for t in said.targets})
    out = ["began a new ledger"] if done.n == 1 else []
    out.append(
        f"{file}:{done.n}: {said.theory} on {said.study} as of {said.as_of}, "
        f"{counted(len(said.targets), 'probability', 'probabilities')} by "
        + ", ".join(map(str, days))
    )
    if said.allowed_failed:
        out.append("the convergence check of its posterior FAILED, and the line says so")
    waited = (said.at.date() - said.origin).days
    if late:
        out.append(
            f"LATE: registered on {said.at.date()}, {late} of {len(said.targets)} after their last "
            "day; they are scored apart, as hindcasts"
        )
    elif waited > 1:
        out.append(
            f"registered {counted(waited, 'day')} after its origin, {said.origin}; it is scored "
            "apart from what was registered in advance"
        )
    out.append(f"head: {done.head}")
    out.append(f"Note it elsewhere: beliefs ledger verify --ledger {file} --head HEAD")
    opt.show({**row, "forecast": said.model_dump(mode="json")}, out, as_json)


def watch(
    folder: Annotated[Path, typer.Argument(help="Holds new/*.csv, runs/ and ledger.jsonl.")],
    study: Annotated[str | None, typer.Option(help="Study to begin with.")] = None,
    theory: opt.Theory = None,
    prior: opt.Prior = None,
    particles: Annotated[int, typer.Option(min=400, help="Particles.")] = PARTICLES,
    seed: opt.Seed = 1,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Take in new rows, forecast, register, resolve what is due, say a line of news: for cron.

    Rows that were taken in before are no news, so files may stay in new/ and may grow.
    """
    stamp, file = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), folder / "ledger.jsonl"
    out = folder / "runs" / stamp
    runs = sorted(path.parent for path in out.parent.glob("*/manifest.json"))
    rows = sorted((folder / "new").glob("*.csv"))
    news = []
    if runs and (study or theory or prior):
        raise ConflictError(
            "what is watched was chosen when it began", where=str(out.parent), found=str(runs[0]),
            expected="no --study, --theory or --prior", fix="leave them out, or begin a new folder",
        )  # fmt: skip
    with opt.progress_bar(quiet) as say:
        if runs:
            try:
                beliefs.update(runs[-1], out, data=rows or None, progress=say)
            except ConflictError as error:  # as a rule, that nothing is new
                news.append(error.what)
        elif study is None:
            raise StudyError(
                "there is no run to go on from", where=str(out.parent), found="no run folder",
                expected="a study to begin with", fix="name one: beliefs watch FOLDER --study NAME",
            )  # fmt: skip
        else:
            known = beliefs.load_study(study)
            chosen = opt.chosen_theory(theory, None, prior, known)
            found = beliefs.track(known, chosen, particles=particles, seed=seed, progress=say)
            beliefs.save_run(out, found)
        runs += [out] if out.exists() else []
        say("register")
        entry = entry_of(runs[-1])
        try:
            register(file, entry)
        except ConflictError as error:
            news.append(error.what)
        say("resolve")
        done = look_up_all(file, studies=(runs[-1] / "study",))
    means = [dict(row[:2] for row in belief_now(beliefs.load_track(run))) for run in runs[-2:]]
    for side, mean in means[-1].items():
        moved = f" ({100 * (mean - means[0][side]):+.0f} points)" if out in runs[1:] else ""
        news.append(f"belief of {side} {mean:.0%}{moved}")
    talks = next(target for target in entry.targets if target.target == "talks")
    news.append(f"talks by {talks.by} {talks.p:.0%} (base rate {talks.base_rate:.0%})")
    news.append(f"{len(done.added)} resolved")
    row = {"run": str(runs[-1]), "as_of": str(entry.as_of), "news": news, "head": done.head}
    opt.show(row, [f"{entry.study} {entry.as_of}: {'; '.join(news)}"], as_json)


@ledger.command()
def resolve(
    file: LedgerOpt,
    study: Annotated[list[str] | None, typer.Option(help="Folder with the tables.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Last day the tables were kept.")] = None,
    correct: Annotated[bool, typer.Option("--correct", help="Correct what was resolved.")] = False,
    as_json: opt.Json = False,
) -> None:
    """Look up the outcomes of what was forecast; adds a line for each, changes none."""
    done = look_up_all(file, studies=tuple(study or ()), as_of=as_of, correct=correct)
    out = [_outcome(n, found) for n, found in done.added.items()]
    out.append(f"{len(done.added)} resolved now, {done.already} before")
    reasons = Counter(why for _, _, why in done.unresolved)
    out += [f"{reasons[why]} unresolved: {OPEN[why]}" for why in OPEN if reasons[why]]
    for found, line in done.differing:
        now = _by_rules(found) or f"{found.target} {YES[found.outcome]}"
        out.append(
            f"line {line} (forecast of line {found.forecast}, by {found.by}) no longer agrees "
            f"with the table, which says: {now}; --correct adds a line that says so"
        )
    out.append(f"head: {done.head}")
    opt.show(done.as_dict(), out, as_json)
    if done.differing:
        raise SystemExit(4)


def _outcome(n: int, found: Any) -> str:
    others = _by_rules(found)
    name = found.target + (f" ({found.rule})" if found.rule else "")
    result = f"line {n}: {name} by {found.by} (forecast of line {found.forecast}): "
    result += YES[found.outcome] + (f", first {found.first}" if found.first else "")
    result += f" [by rule: {others}]" if others else ""
    result += f" {' '.join(found.rows)}" if found.rows else ""
    result += f"; corrects line {found.corrects}" if found.corrects is not None else ""
    changed = "; rows or settings of before the forecast have changed since"
    return result + ("" if found.same_past else changed)


def _by_rules(found: Any) -> str:
    return ", ".join(f"{rule} {YES[held]}" for rule, held in found.outcomes.items())


@ledger.command()
def score(file: LedgerOpt, as_json: opt.Json = False) -> None:
    """Score what is resolved, beside the registered base rates."""
    found = score_all(read_ledger(file), today=utc_now().date())
    open_ = found["unresolved"]
    out = [
        f"{counted(found['forecasts'], 'forecast')}, "
        f"{counted(found['probabilities'], 'probability', 'probabilities')}: "
        f"{found['resolved']} resolved, {open_['all']} unresolved "
        f"({open_['latent']} latent, which nobody can look up; {open_['not_over']} not over; "
        f"{open_['over']} over but not looked up or not covered)"
    ]
    if found["corrected"]:
        outcomes = counted(found["corrected"], "outcome was", "outcomes were")
        out.append(f"{outcomes} corrected; the last correction counts")
    names = {(row["theory"], row["theory_sha256"]) for row in found["classes"]}
    doubled = {t for t, n in Counter(theory for theory, _ in names).items() if n > 1}
    for when, words in TIMINGS.items():
        rows = [row for row in found["classes"] if row["registered"] == when]
        if rows:
            out += [f"\n{words}:", _HEADER, *(_line(row, doubled) for row in rows)]
            out += [
                f"  {row['theory']}, had the label rule been {rule}: {had['events']} of {had['n']} "
                f"happened, Brier {had['brier']:.3f}, log {had['log_score']:.3f}"
                for row in rows
                if row["days"] is None
                for rule, had in row["by_rule"].items()
            ]
    if any(row["n"] for row in found["classes"]):
        out.append(
            "\nlower is better; skill is 1 - Brier / Brier of the base rate; forecasts of one "
            "window\nshare its outcome, so trust is a matter of windows, not of n"
        )
    if certain := sum(row["certain"] for row in found["classes"] if row["days"] is None):
        out.append(
            f"{counted(certain, 'probability', 'probabilities')} of 0 or 1: in the log score "
            "counted as one Monte-Carlo error off"
        )
    opt.show(found, out, as_json)


_ROW = "  {:<26} {:<16} {:>4} {:>4} {:>7} {:>8} {:>6} {:>6} {:>6} {:>6} {:>6} {:>8} {:>5}"
_HEADER = _ROW.format(
    "theory", "target", "days", "n", "windows", "happened", "mean p", "Brier", "base", "log",
    "base", "skill", "open",
)  # fmt: skip


def _line(row: dict[str, Any], doubled: set[str]) -> str:
    theory = row["theory"] + (f" {row['theory_sha256'][:6]}" if row["theory"] in doubled else "")
    base = row["base"]
    scores = (row["mean_p"], row["brier"], base["brier"], row["log_score"], base["log_score"])
    return _ROW.format(
        theory, row["target"], "all" if row["days"] is None else row["days"], row["n"],
        row["windows"], row["events"], *("-" if x is None else f"{x:.3f}" for x in scores),
        "-" if row["skill"] is None else f"{row['skill']:.2f}", row["unresolved"],
    )  # fmt: skip


@ledger.command()
def verify(
    file: LedgerOpt,
    head: Annotated[str | None, typer.Option(help="Hash that `add` printed.")] = None,
    as_json: opt.Json = False,
) -> None:
    """Recompute the chain; says which line was changed, left out or cut off."""
    found = recompute(file, head=head)
    row = {"ledger": str(file), "passed": not found.problems, "lines": found.lines}
    row |= {"head": found.head, "since_head": found.since, "problems": [*map(vars, found.problems)]}
    out = [f"{file}:{p.line}: {p.what}" for p in found.problems]
    if not out:
        out = [f"{file}: {counted(found.lines, 'line')} in order", f"head: {found.head}"]
        out.append("(a chain alone cannot show lines missing at its end: --head HASH does)")
        if found.since is not None:
            since = counted(found.since, "line was", "lines were")
            out[-1] = f"the noted head is there; {since} added since"
    opt.show(row, out, as_json)
    if found.problems:
        raise SystemExit(3)


@ledger.command()
def fix(file: LedgerOpt) -> None:
    """Cut off a half-written last line that a killed writer left, and keep what is cut off."""
    kept, lines = cut(file)
    if kept is None:
        sys.stdout.write(f"{file}: line {lines} was whole and only lacked its end; it has it now\n")
    else:
        sys.stdout.write(f"{file}: {counted(lines, 'whole line')}; what was cut off is in {kept}\n")
