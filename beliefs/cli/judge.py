"""Commands that judge: theories by their forecasts, claims by a study."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from beliefs.cli.options import (
    STUDY,
    AsOfOpt,
    JsonOpt,
    QuietOpt,
    SeedOpt,
    StudyArg,
    print_json,
    stages,
    to_write,
)
from beliefs.errors import StudyError

__all__ = ["compare", "verdicts"]

ParticlesOpt = Annotated[
    int | None,
    typer.Option("--particles", min=100, help="Particles of each block [by the study]."),
]
CsvOpt = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
PlotOpt = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        help="Image file of the weights over time; must be new.",
        callback=to_write(new=True, image=True),
    ),
]
COLUMNS = (
    "id", "theory", "verdict", "p_claim", "p_prior", "contraction", "log_bf", "delta_log_score",
    "delta_low", "delta_high", "method", "seed", "title", "claimed", "why", "sentence",
)  # fmt: skip
TABLE = (
    "rank", "id", "theory", "elpd", "se", "elpd_diff", "dse", "vs_base", "low", "high", "weight",
)  # fmt: skip
WIDTH = 88  # characters of a sentence's line for a person


def compare(
    study: StudyArg = STUDY,
    theories: Annotated[
        str | None, typer.Option("--theories", help="Names or ids, by commas [all].")
    ] = None,
    as_of: AsOfOpt = None,
    particles: ParticlesOpt = None,
    seed: SeedOpt = 1,
    plot: PlotOpt = None,
    as_json: JsonOpt = False,
    as_csv: CsvOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Score rival theories on a study, period by period: table, differences, weights over time."""
    _only_one(as_json, as_csv)
    from beliefs.evaluation.compare import compare as score
    from beliefs.evaluation.compare import doubts
    from beliefs.evaluation.scores.skill import BLOCKS, block_length
    from beliefs.model.theory import bundled_theories, load_theory
    from beliefs.study.load import load_study

    names = theories.split(",") if theories else bundled_theories()
    loaded = load_study(study, as_of=as_of)
    chosen = sorted((load_theory(name.strip()) for name in names), key=lambda t: t.id)
    with stages(quiet) as say:
        found = score(loaded, chosen, seed=seed, particles=particles or 1000, progress=say)
    if plot is not None:
        import matplotlib as mpl

        mpl.use("agg")
        from beliefs.reporting.axes import save_figure
        from beliefs.reporting.plots import plot_weights

        save_figure(plot_weights(found, loaded).figure, plot, dpi=150)
    if as_json:
        print_json(found.as_dict() | {"confused": doubts(found.ids)})
        return
    rows: list[list[Any]] = [
        [
            row.rank, row.id, row.title, *(
                "" if v != v else f"{v:.2f}"
                for v in (
                    row.elpd, row.se, row.against_best.total, row.against_best.error,
                    row.against_base.total, row.against_base.low, row.against_base.high, row.weight,
                )
            ),
        ]
        for row in found.table
    ]  # fmt: skip
    head: list[Any] = list(TABLE)
    if as_csv:
        _print_csv(head, rows)
        return
    sys.stdout.write(
        f"{found.study}: log score of {', '.join(found.observables)} over {len(found.dates)} "
        "periods, each foretold from those before it\n\n"
    )
    widths = [max(len(str(r[k])) for r in [head, *rows]) for k in range(len(head))]
    for line in [head, *rows]:
        cells = [
            str(v).ljust(w) if k == 2 else str(v).rjust(w)
            for k, (v, w) in enumerate(zip(line, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.write(
        "\nelpd_diff is against the best theory, vs_base against M0 with its 90 % interval by "
        "blocks of periods;\nweight is the stacking weight after the last period, M5 the stack of "
        "all by the weights of before.\n"
    )
    if found.blocks < BLOCKS:
        days = block_length(found.step_days) * found.step_days
        sys.stdout.write(
            f"Scored periods fill {found.blocks} of the {BLOCKS} blocks of {days} days that errors "
            "and intervals need: none are given.\n"
        )
    for better, worse in found.tied:
        sys.stdout.write(f"{better} and {worse} cannot be told apart by this study.\n")
    for doubt in doubts(found.ids):
        sys.stdout.write(doubt + "\n")


def verdicts(
    study: StudyArg = STUDY,
    as_of: AsOfOpt = None,
    particles: ParticlesOpt = None,
    seed: SeedOpt = 1,
    as_json: JsonOpt = False,
    as_csv: CsvOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Judge every claim of the source texts by a study: 56 verdicts, each with its evidence."""
    _only_one(as_json, as_csv)
    from beliefs.evaluation.claims.verdicts import verdicts as judge
    from beliefs.study.load import load_study

    loaded = load_study(study, as_of=as_of)
    with stages(quiet) as say:
        found = judge(loaded, seed=seed, particles=particles, progress=say)
    rows = [row.as_dict() for row in found]
    if as_json:
        head = {"study": loaded.spec.name, "study_sha256": loaded.sha256}
        print_json({**head, "as_of": str(loaded.as_of), "verdicts": rows})
    elif as_csv:
        _print_csv(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
    else:
        _tell(rows)


def _tell(rows: Sequence[dict[str, Any]]) -> None:
    """Print verdicts for a person, text by text."""
    import textwrap
    from collections import Counter

    for seed in dict.fromkeys(row["seed"] for row in rows):
        mine = [row for row in rows if row["seed"] == seed]
        sys.stdout.write(f"\n{seed}\n")
        for row in mine:
            sys.stdout.write(f"\n{row['id']}  {row['verdict']:<19} {row['title']}\n")
            for line in textwrap.wrap(row["sentence"], WIDTH):
                sys.stdout.write(f"     {line}\n")
    count = Counter(row["verdict"] for row in rows)
    sys.stdout.write("\n" + ", ".join(f"{n} {name}" for name, n in count.most_common()) + "\n")


def _print_csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if v is None else v for v in row] for row in rows)
    sys.stdout.write(out.getvalue())


def _only_one(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise StudyError(
            "two formats at once",
            where="options",
            found="--json and --csv",
            expected="one of them",
            mend="leave one out",
        )
