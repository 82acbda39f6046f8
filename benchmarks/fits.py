"""Fit the bundled studies with the package's own settings: convergence, and seconds by stage.

python benchmarks/fits.py [STUDY ...] [--seed 1]

Sampling is also given as a ratio to the first study's. Exits with 1 when a check fails, a fit needs
a second attempt, or sampling takes longer than a minute.
"""

import argparse
import sys

import beliefs
from beliefs.inference.nuts.sampling import Sampling

STUDIES = ["us-iran-2026", "us-iran-2012", "us-civil-war", "synthetic-duel"]
LONGEST = 60.0  # seconds of sampling


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", default=STUDIES)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    theory, first, bad = beliefs.load_theory("mutual_optimism"), 0.0, False
    print(
        "| study | periods | converged | R-hat | ESS | divergences | compile s | sample s | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in chosen.studies:
        found = beliefs.fit(beliefs.load_study(name), theory, seed=chosen.seed)
        seconds, check = found.timings, found.report
        first = first or seconds["sample"]
        again = found.tree["posterior"].sizes["draw"] != Sampling.draws
        word = ("passed" if check.passed else "FAILED") + (", second attempt" if again else "")
        print(
            f"| {name} | {int(found.inputs.active.sum())} | {word} | {check.r_hat:.4f} "
            f"| {check.ess:.0f} | {check.divergent_share:.2%} | {seconds['compile']:.0f} "
            f"| {seconds['sample']:.0f} | {seconds['sample'] / first:.2f} |",
            flush=True,
        )
        bad |= again or not check.passed or seconds["sample"] > LONGEST
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
