"""Hide the last third of the gold readings of the American Civil War and predict them.

python scripts/civil_war_holdout.py [--study us-civil-war] [--draws 2500] [--tune 1200]

Longer chains and smaller steps than the package's own, because readings that end early leave more
to explore.
"""

import argparse
import math

from holdout import cut_after_share, holdout_readings

from beliefs.features.inputs import build_inputs
from beliefs.inference.nuts.sampling import Sampling
from beliefs.model.theory import load_theory
from beliefs.study.load import load_study

SEED = 1865
BLOCK = 8  # weeks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", default="us-civil-war")
    parser.add_argument("--draws", type=int, default=2500)
    parser.add_argument("--tune", type=int, default=1200)
    chosen = parser.parse_args()
    sampling = Sampling(draws=chosen.draws, tune=chosen.tune, target_accept=0.97)
    study = load_study(chosen.study)
    cut = cut_after_share(build_inputs(study), 2 / 3, "market")
    result = holdout_readings(
        study,
        load_theory("mutual_optimism"),
        cut,
        channel="market",
        seed=SEED,
        block=BLOCK,
        sampling=sampling,
    )
    print(f"{result.shown} readings up to {result.cut}, {result.held_out} after it")
    for way, check in result.converged.items():
        print(f"convergence, {way}: {'passed' if check.passed else '; '.join(check.failures)}")
    print("| prediction | side | n | in 90 % (model) | (walk) | width (model) | (walk) ", end="")
    print("| CRPS (model) | (walk) | difference, 90 % |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for s in result.scores:
        # Weeks with readings fill fewer blocks than an interval needs where it is NaN.
        sure = "" if math.isnan(s.lower) else f" [{s.lower:+.3f}, {s.upper:+.3f}]"
        print(
            f"| {s.way} | {s.side} | {s.n} | {s.coverage:.0%} | {s.coverage_walk:.0%} "
            f"| {s.width:.2f} | {s.width_walk:.2f} | {s.crps:.3f} | {s.crps_walk:.3f} "
            f"| {s.difference:+.3f}{sure} |"
        )


if __name__ == "__main__":
    main()
