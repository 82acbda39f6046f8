"""Commands that hold forecasts against what came: backtest."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

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
)
from beliefs.errors import StudyError

__all__ = ["backtest"]


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
    if as_json and as_csv:
        raise StudyError(
            "two formats at once", where="options", found="--json and --csv",
            expected="one of them", mend="leave one out",
        )  # fmt: skip
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
        from beliefs.records.lock import reserved

        with contextlib.ExitStack() as held:
            aside = None if out is None else held.enter_context(reserved(out))
            found, loaded = rescore(again)
            if out is not None:
                save_backtest(out, found, loaded, aside=aside)
        _show(found, out, as_json, as_csv)
        return
    from beliefs.evaluation.backtest.backtest import DRAWS, PARTICLES
    from beliefs.evaluation.backtest.backtest import backtest as score
    from beliefs.model.theory import load_theory
    from beliefs.records.backtests import save_backtest
    from beliefs.study.load import load_study

    loaded = load_study(study, as_of=as_of)
    chosen = [load_theory(name) for name in theory] if theory else None
    with stages(quiet) as say, Place(out or Path()) as place:
        if out is not None:
            place.take(loaded)
        found = score(
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
    _show(found, out, as_json, as_csv)


def _show(found: Any, out: Path | None, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(found.as_dict())
    elif as_csv:
        sys.stdout.write(found.skill.to_csv(index=False, lineterminator="\n"))
    else:
        from beliefs.reporting.backtest import plain

        sys.stdout.write(plain(found) + "\n")
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
