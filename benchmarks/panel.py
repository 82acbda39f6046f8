"""How learning from a panel grows with its conflicts, and what one more conflict costs.

    python benchmarks/panel.py [--theory M0] [--sizes 60 120 240] [--draws 200] [--tune 200]

Conflicts are drawn from the panel without regard to their length. Seconds are those of the
processor, of sampling alone; compiling is timed apart. Memory is the process's own peak.
"""

import argparse
import resource
import time

import numpy as np
from kit import timing

from beliefs.features.inputs import build_inputs
from beliefs.inference.nuts.sampling import Sampling
from beliefs.inference.panel import Panelled, follow
from beliefs.model.theory import theory_of
from beliefs.study.load import known_at_end
from beliefs.study.panels import load_panel


def main() -> None:
    """Print seconds by size, the exponent of growth, one conflict more, and memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--panel", default="crises")
    parser.add_argument("--theory", default="M0")
    parser.add_argument("--sizes", type=int, nargs="+", default=[60, 120, 240])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--tune", type=int, default=200)
    args = parser.parse_args()
    print(timing.machine())
    theory, sampling = theory_of(args.theory), Sampling(args.draws, args.tune)
    names = np.random.default_rng(1).permutation([*load_panel(args.panel).conflicts])
    chosen = [f"{args.panel}/{name}" for name in names[: max(args.sizes)]]
    inputs = [build_inputs(known_at_end(name)) for name in chosen]
    seconds, periods = [], []
    for size in args.sizes:
        begun = time.process_time()
        panel = Panelled(theory, tuple(chosen[:size]), inputs[:size])
        built = time.process_time()
        found = panel.fit(seed=1, sampling=sampling)
        seconds.append(time.process_time() - built)
        periods.append(sum(len(one.talks) for one in inputs[:size]))
        print(
            f"{size} conflicts, {periods[-1]} periods: built in {built - begun:.1f} s, sampled in "
            f"{seconds[-1]:.1f} s, R-hat {found.r_hat:.3f}, ESS {found.ess:.0f}",
            flush=True,
        )
    print(f"exponent in periods {timing.exponent(periods, seconds):.2f}")
    begun = time.process_time()
    follow(
        found,
        inputs[0],
        np.random.default_rng(1),
        horizons={"talks": (1,)},
        ending=np.zeros((2, 999)),
    )
    took = time.process_time() - begun
    print(f"one conflict more, of {len(inputs[0].talks)} periods: {took:.2f} s")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


if __name__ == "__main__":
    main()
