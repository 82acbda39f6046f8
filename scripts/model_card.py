"""Write docs/MODEL_CARD.md from run folders of backtests and calibrations.

python scripts/model_card.py [--backtests FOLDER ...] [--calibrations FOLDER ...]
                             [--because TEXT] [--out FILE]

A FOLDER is a run folder of `beliefs backtest` or `beliefs calibrate`, or a folder of such. What
they showed is kept in data/evaluation; without folders the card is made of what is kept.
"""

import argparse
from pathlib import Path

from card.changes import change_lines, changed, write_changes
from card.page import model_card
from evidence import (
    backtest_folders,
    calibration_folders,
    read_backtest_summary,
    read_calibration,
    summarise_backtests,
    write_backtest_summary,
    write_calibration_summary,
)

import beliefs
from beliefs.errors import BeliefsError, StudyError
from beliefs.model.theory import bundled_theories
from beliefs.study.bundled import list_studies

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "data" / "evaluation"
STUDIES = ("us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel")


def keep(kept: Path, backtests: list[Path], calibrations: list[Path], because: str) -> None:
    """Put summaries of run folders among those that are kept, and what they changed."""
    changes = []
    runs = [run for folder in backtests for run in backtest_folders(folder)]
    for summary in summarise_backtests(runs):
        folder = kept / "backtests" / summary.about["study"]
        if because and folder.is_dir():
            before = read_backtest_summary(folder).skill
            changes.append(changed(summary.about["study"], before, summary.skill))
        write_backtest_summary(summary, folder)
    if changes:
        write_changes(kept, because, changes)
    seen: dict[str, Path] = {}
    for folder in [run for path in calibrations for run in calibration_folders(path)]:
        found = read_calibration(folder)
        name = found.result["theory"]
        if name in seen:
            raise StudyError(
                "two calibrations of one theory", where=str(folder), found=name,
                expected=f"that in {seen[name]} alone", fix="name one folder for each theory",
            )  # fmt: skip
        seen[name] = folder
        write_calibration_summary(found, kept / "calibrations" / name)


def card(kept: Path) -> str:
    """Return the card of the summaries that are kept."""
    return model_card(
        [beliefs.load_study(name) for name in STUDIES if name in list_studies()],
        [beliefs.load_theory(name) for name in bundled_theories()],
        [read_backtest_summary(p.parent) for p in sorted(kept.glob("backtests/*/summary.json"))],
        [read_calibration(p.parent) for p in sorted(kept.glob("calibrations/*/calibration.json"))],
        change_lines(kept),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backtests", nargs="+", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--calibrations", nargs="+", type=Path, default=[], metavar="FOLDER")
    parser.add_argument("--because", default="", help="what has changed since the runs before")
    parser.add_argument("--kept", type=Path, default=KEPT)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "MODEL_CARD.md")
    said = parser.parse_args()
    try:
        keep(said.kept, said.backtests, said.calibrations, said.because)
        said.out.write_text(card(said.kept), encoding="utf-8", newline="\n")
    except BeliefsError as error:
        parser.exit(error.exit_code, f"{error}\n")


if __name__ == "__main__":
    main()
