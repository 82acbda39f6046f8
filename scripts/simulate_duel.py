"""Write data/synthetic-duel anew from its study.toml and SOURCES.md: same bytes every time.

python scripts/simulate_duel.py [--out FOLDER]
python scripts/simulate_duel.py --search
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from beliefs.evaluate.duel import simulate_study
from beliefs.theory.theory import load_theory

FOLDER = Path(__file__).resolve().parents[1] / "data" / "synthetic-duel"
SEED = 8


def lively(folder: Path, seed: int) -> bool:
    """Tell whether a seed gives a duel worth showing (SOURCES.md says in which way)."""
    try:
        truth = simulate_study(FOLDER, folder, load_theory("mutual_optimism"), seed=seed)
    except ValueError:
        return False
    days = len((folder / "talks.csv").read_text(encoding="utf-8").splitlines()) - 2
    signs = np.sign(truth.logit_belief)
    return 2 < days < truth.logit_belief.shape[1] / 2 and bool((np.ptp(signs, axis=1) > 0).all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--search", action="store_true", help="print the first lively seed")
    chosen = parser.parse_args()
    if chosen.search:
        with tempfile.TemporaryDirectory() as scratch:
            print(next(s for s in range(1, 1000) if lively(Path(scratch), s)))
        return
    simulate_study(FOLDER, chosen.out, load_theory("mutual_optimism"), seed=SEED)


if __name__ == "__main__":
    main()
