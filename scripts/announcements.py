"""What acts of diplomacy say of talks a week later, in the crises of a panel.

python scripts/announcements.py [PANEL]

Counted are weeks without talks by what was published in them: in how many talks were held a week
later. A week counts once for each kind of act in it. Panels code no days for which talks are set,
so this is what can be learnt of invitations: whether one accepted says more than one refused.
"""

import sys

import numpy as np

import beliefs
from beliefs.study.load import known_at_end

KINDS = ("offer", "acceptance", "rejection", "talks_cancelled", "truce_start", "threat")


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "crises"
    found = dict.fromkeys((*KINDS, "none of these"), (0, 0))
    for conflict in beliefs.load_panel(name).conflicts:
        study = known_at_end(f"{name}/{conflict}")
        talks = beliefs.build_inputs(study).talks
        free = np.flatnonzero(talks[:-1] == 0)
        events, rest = study.tables.events, np.ones(len(talks), dtype=bool)
        for kind in found:
            at = study.grid.index(events.where(kind=(kind,))["published_at"])
            weeks = np.isin(np.arange(len(talks)), at) if kind in KINDS else rest
            rest = rest & ~weeks
            held = talks[1:][free[weeks[free]]]
            found[kind] = found[kind][0] + len(held), found[kind][1] + int(held.sum())
    print(f"{'act':<16} {'weeks':>6} {'talks a week later':>20}")
    for kind, (weeks, held) in found.items():
        share = f"{held / weeks:.0%}" if weeks else "-"
        print(f"{kind:<16} {weeks:>6} {held:>14} {share:>5}")


if __name__ == "__main__":
    main()
