"""Learn from many conflicts, and score forecasts on those that were left out."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from beliefs.cli import options as opt
from beliefs.errors import counted
from beliefs.evaluation.panel import ONLINE, score_panel
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.panel import base_surplus, fit_panel, priors_of, taught
from beliefs.study.writefile import replace_file

panel = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode="markdown")
Name = Annotated[str, typer.Argument(metavar="PANEL", help="Name or folder of a panel.")]


@panel.command()
def score(
    name: Name,
    theory: Annotated[list[str] | None, typer.Option(help="Name, id or file [M0].")] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Fit anew without each of so many groups [weights].")
    ] = None,
    every: Annotated[bool, typer.Option("--every", help="Conflicts without talks too.")] = False,
    draws: opt.Draws = 2200,
    tune: opt.Tune = 600,
    seed: opt.Seed = 1,
    cores: opt.Processes = None,
    scheduler: opt.Scheduler = None,
    out: Annotated[
        Path | None,
        typer.Option(help="JSON file to keep it in as well.", callback=opt.to_write()),
    ] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Forecast talks and agreements in conflicts left out, week by week, and score it."""
    with opt.progress_bar(quiet) as say:
        found = score_panel(
            name, theory or ["M0"], folds=folds, every=every, seed=seed,
            sampling=Sampling(draws, tune), workers=cores, scheduler=scheduler, progress=say,
        )  # fmt: skip
    data = found.as_dict()
    if out is not None:
        replace_file(out, opt.as_text(data))
    opt.show(data, _tell(data), as_json)
    if any(check["failures"] for check in found.checks.values()):
        raise SystemExit(3)


def _tell(data: dict[str, Any]) -> Iterator[str]:
    left_out = f"{data['folds']} folds" if data["folds"] else "each conflict"
    yield (
        f"{data['panel']}: {counted(data['conflicts'], 'conflict')}, {data['periods']} periods, "
        f"{data['with_talks']} with talks, {left_out} left out in turn"
    )
    within = data["within"].items()
    for target, horizon, rows in ((name, h, rows) for name, of in within for h, rows in of.items()):
        yield f"{target} within {counted(int(horizon), 'period')}"
        yield f"  {'':20}{'nats over the ' + ONLINE + ', 90 % interval':44}Brier"
        for who, row in rows.items():
            interval = "{nats:+8.1f}  ({low:+.1f} to {high:+.1f})".format_map
            over = {k: interval(v) for k, v in row.items() if k.startswith("over_")}
            online = over.pop("over_online")
            more = "".join(f"  {k.replace('_', ' ')}: {by}" for k, by in over.items())
            yield f"  {who:20}{'' if who == ONLINE else online:44}{row['brier']:.4f}{more}"
    for group, rows in data["groups"].items():
        nats = "  ".join(f"{k} {v['nats']:+.0f}" for k, v in rows.items() if k != "conflicts")
        yield f"{group} ({counted(rows['conflicts'], 'conflict')}): {nats}"
    for what, by in data["reliability"].items():
        inside = (
            f"{who} {sum(r['inside'] for r in rows)} of {len(rows)}" for who, rows in by.items()
        )
        yield f"bins of {what} inside their bands: {', '.join(inside)}"
    for who, first in data["first_talks"].items():
        yield f"{who}: first talks of {first['n']} conflicts as forecast, p {first['p']:.2f}"
    yield "weights of a stack: " + ", ".join(f"{k} {v:.2f}" for k, v in data["weights"].items())
    for who, check in data["checks"].items():
        k = check["pareto_k"]
        anew = "" if k is None else f", Pareto k {k:.2f}, {check['refitted']} fitted anew"
        yield (
            f"{who}: R-hat {check['r_hat']:.3f}, ESS {check['ess']:.0f}, "
            f"{check['divergent_share']:.2%} divergent{anew}"
            f"{''.join(f'; {failure}' for failure in check['failures'])}"
        )


@panel.command()
def fit(
    name: Name,
    theory: Annotated[str, typer.Option(help="Name, id or file.")] = "M0",
    until: Annotated[
        str | None, typer.Option(help="Only conflicts that ended by this date.")
    ] = None,
    draws: opt.Draws = 2500,
    tune: opt.Tune = 600,
    target_accept: Annotated[
        float, typer.Option(min=0.5, max=0.999, help="Acceptance that step sizes aim at.")
    ] = Sampling.target_accept,
    seed: opt.Seed = 1,
    out: Annotated[Path | None, typer.Option(help="JSON file of populations to add it to.")] = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Sample what the conflicts of a panel have in common: the priors of a new one."""
    with opt.progress_bar(quiet) as say:
        say(f"sample {name}")
        sampling = Sampling(draws, tune, target_accept=target_accept)
        found, structure = fit_panel(name, theory, until=until, seed=seed, sampling=sampling)
    said = {
        "theory": found.theory.id, "panel": name, "until": until or "9999-12-31",
        "conflicts": len(found.conflicts), "seed": seed, "draws": draws, "tune": tune,
        "target_accept": target_accept, "r_hat": round(found.r_hat, 4), "ess": round(found.ess),
        "divergent_share": found.divergent_share,
        "priors": priors_of(found, structure, seed=seed),
        "base_surplus": base_surplus(found),
    }  # fmt: skip
    if out is not None and not found.failures:
        kept = json.loads(out.read_text(encoding="utf-8"))["populations"] if out.exists() else []
        same = ("theory", "panel", "until")
        kept = [one for one in kept if any(one[k] != said[k] for k in same)] + [said]
        kept.sort(key=lambda one: [str(one[k]) for k in same])
        replace_file(out, json.dumps({"populations": kept}, indent=1) + "\n", last=True)
    lines = [
        f"{said['theory']}: {counted(len(found.conflicts), 'conflict')} of {name}, "
        f"R-hat {found.r_hat:.3f}, ESS {found.ess:.0f}, {found.divergent_share:.2%} divergent",
        "  parameter, contraction, mean and standard deviation",
    ]
    for p in taught(found, structure):
        values, spread = found.shared[p.name], found.spread.get(p.name)
        between = "" if spread is None else f", between conflicts {spread.mean():.2f}"
        means, sds = (np.ravel(v) for v in (values.mean(axis=0), values.std(axis=0)))
        each = "  ".join(f"{mean:+.2f} ± {sd:.2f}" for mean, sd in zip(means, sds, strict=True))
        learnt = 1.0 - sds.mean() / float(p.prior.std())
        lines.append(f"  {p.name:20}{learnt:5.0%} {each}{between}")
    opt.show(said, lines, as_json)
    if found.failures:
        sys.stderr.write(f"not converged, so kept nowhere: {'; '.join(found.failures)}\n")
        raise SystemExit(3)
