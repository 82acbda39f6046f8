"""Commands that judge: theories by their forecasts, claims by a study, forecasts by what came."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import beliefs
from beliefs.cli.options import (
    STUDY,
    AsOfOpt,
    JsonOpt,
    Place,
    QuietOpt,
    SeedOpt,
    StudyArg,
    print_json,
    refuse_occupied,
    stages,
    to_write,
)
from beliefs.errors import StudyError

__all__ = ["backtest", "compare", "verdicts"]

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
    from beliefs.evaluation.compare import doubts
    from beliefs.evaluation.scores.skill import BLOCKS, block_length
    from beliefs.model.theory import bundled_theories

    names = theories.split(",") if theories else bundled_theories()
    loaded = beliefs.load_study(study, as_of=as_of)
    chosen = sorted((beliefs.load_theory(name.strip()) for name in names), key=lambda t: t.id)
    with stages(quiet) as say:
        found = beliefs.compare(
            loaded, chosen, seed=seed, particles=particles or 1000, progress=say
        )
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

    loaded = beliefs.load_study(study, as_of=as_of)
    with stages(quiet) as say:
        found = beliefs.verdicts(loaded, seed=seed, particles=particles, progress=say)
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


def backtest(
    study: StudyArg = STUDY,
    theory: Annotated[
        list[str] | None, typer.Option("--theory", help="Name, id or file; may be repeated [all].")
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="Days from origin to origin.")] = 7,
    horizons: Annotated[str, typer.Option("--horizons", help="Days ahead, by commas.")] = "7,30,90",
    first: Annotated[
        str | None, typer.Option("--from", help="First day an origin may be, YYYY-MM-DD.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last day an origin may be, YYYY-MM-DD.")
    ] = None,
    as_of: AsOfOpt = None,
    particles: Annotated[
        int | None, typer.Option("--particles", min=100, help="Particles of each block [1000].")
    ] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", min=50, help="Futures from each origin [500].")
    ] = None,
    seed: SeedOpt = 1,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write; must be new.")] = None,
    again: Annotated[
        Path | None,
        typer.Option("--again", help="Score a run folder's forecasts anew, none made."),
    ] = None,
    as_json: JsonOpt = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table of skill as CSV.")] = False,
    quiet: QuietOpt = False,
) -> None:
    """Forecast from rolling origins, as-of data only, and score against what came."""
    _only_one(as_json, as_csv)
    days = _days(horizons)
    refuse_occupied(out)
    if again is not None:
        if theory or as_of or first or last or particles or draws or study != STUDY:
            raise StudyError(
                "forecasts that were made have a study and settings", where="--again",
                found="a study, theories, days, particles or draws as well",
                expected="the run folder alone", mend="leave them out",
            )  # fmt: skip
        from beliefs.records.backtests import rescore, save_backtest
        from beliefs.records.place import reserved

        with contextlib.ExitStack() as held:
            aside = None if out is None else held.enter_context(reserved(out))
            found, loaded = rescore(again)
            if out is not None:
                save_backtest(out, found, loaded, aside=aside)
        _show_backtest(found, out, as_json, as_csv)
        return
    from beliefs.evaluation.backtest.backtest import DRAWS, PARTICLES
    from beliefs.records.backtests import save_backtest

    loaded = beliefs.load_study(study, as_of=as_of)
    chosen = [beliefs.load_theory(name) for name in theory] if theory else None
    with stages(quiet) as say, Place(out or Path()) as place:
        if out is not None:
            place.take(loaded)
        found = beliefs.backtest(
            loaded,
            chosen,
            every=every,
            horizons=days,
            particles=particles or PARTICLES,
            draws=draws or DRAWS,
            seed=seed,
            first=first,
            last=last,
            progress=say,
        )
        if out is not None:
            say("write")
            save_backtest(out, found, loaded, **place.taken)
    _show_backtest(found, out, as_json, as_csv)


def _show_backtest(found: Any, out: Path | None, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(found.as_dict())
    elif as_csv:
        sys.stdout.write(found.skill.to_csv(index=False, lineterminator="\n"))
    else:
        from beliefs.reporting.tables import backtest_text

        sys.stdout.write(backtest_text(found) + "\n")
        if out is not None:
            sys.stdout.write(f"\nForecasts and scores: {out}\n")


def _days(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise StudyError(
            "these are no horizons", where="--horizons", found=text,
            expected="whole days by commas", mend="--horizons 7,30,90",
        ) from None  # fmt: skip
