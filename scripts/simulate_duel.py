"""Write data/synthetic-duel anew from its study.toml and SOURCES.md: same bytes every time.

python scripts/simulate_duel.py [--out FOLDER]
python scripts/simulate_duel.py --search
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from duel import simulate_study

from beliefs.model.theory import Theory, load_theory

FOLDER = Path(__file__).resolve().parents[1] / "data" / "synthetic-duel"
SEED = 8
PRIORS = """
# Narrower than in the package, so that a duel is likely to have talks on some days and not on most.
[priors.onset_base]
dist = "Normal"
mu = -5.868
sigma = 1.0

[priors.deadlock_shape]
dist = "Normal"
mu = 0.0
sigma = 0.3
"""


def theory() -> Theory:
    """Return the theory that draws the duel."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "priors.toml"
        path.write_text(PRIORS, encoding="utf-8")
        mine = load_theory("mutual_optimism", priors=path)
    # Words lose heat in its truces, bad news counts less than good, and nothing is announced.
    null = tuple(name for name in mine.null if name not in ("heat_loss", "log_discount"))
    return replace(mine, null=(*null, "announced_effect"))


def lively(folder: Path, seed: int) -> bool:
    """Tell whether a seed gives a duel worth showing (SOURCES.md says in which way)."""
    try:
        truth = simulate_study(FOLDER, folder, theory(), seed=seed)
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
    simulate_study(FOLDER, chosen.out, theory(), seed=SEED)


if __name__ == "__main__":
    main()
