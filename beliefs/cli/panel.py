"""Learn from many conflicts, and score forecasts on those that were left out."""

from __future__ import annotations

from typing import Annotated

import typer

from beliefs.cli import options as opt
from beliefs.errors import counted
from beliefs.evaluation.panel import AGE, BRIER, ONLINE, REGRESSION, score_panel
from beliefs.inference.nuts.sampling import Sampling

panel = typer.Typer(
    help=__doc__,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@panel.callback()
def _group() -> None:
    pass


@panel.command()
def score(
    name: Annotated[str, typer.Argument(metavar="PANEL", help="Name or folder of a panel.")],
    theory: Annotated[list[str] | None, typer.Option(help="Name, id or file [M0].")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Groups of conflicts left out in turn.")] = 20,
    draws: opt.Draws = 500,
    tune: opt.Tune = 500,
    seed: opt.Seed = 1,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Forecast talks of the next period in conflicts that were left out, and score it."""
    with opt.stages(quiet) as say:
        found = score_panel(
            name, theory or ["M0"], folds=folds, seed=seed,
            sampling=Sampling(draws, tune), progress=say,
        )  # fmt: skip
    data = found.as_dict()
    lines = [
        f"{data['panel']}: talks of the next period, {counted(data['conflicts'], 'conflict')}, "
        f"{data['periods']} periods, {data['with_talks']} with talks, {folds} folds left out",
        f"{'':24}nats over the {ONLINE}, 90 % interval    Brier",
    ]
    for who, row in data["forecasters"].items():
        ahead = f"{row['over_online']:+8.1f}  ({row['low']:+.1f} to {row['high']:+.1f})"
        lines.append(f"{who:24}{'' if who == ONLINE else ahead:40}{row[BRIER]:.4f}")
    theories = [who for who in data["forecasters"] if who not in (ONLINE, AGE, REGRESSION)]
    for who in theories[1:]:
        total, low, high = found.over(who, theories[0])
        lines.append(f"{who} over {theories[0]}: {total:+.1f} ({low:+.1f} to {high:+.1f})")
    for who, (r_hat, ess) in data["checks"].items():
        lines.append(f"{who}: largest R-hat of a fold {r_hat:.3f}, smallest ESS {ess:.0f}")
    opt.show(data, lines, as_json)
