"""Everything the system computes, by name."""

import numpy as np


def outputs(case, params, columns=None, start=None):
    """Everything the system computes from one draw."""
    return computed(np, params, case.columns if columns is None else columns, case.structure, start)


def computed(xp, params, columns, structure, start=None):
    """Everything the system computes: with NumPy numbers, with PyTensor their graph."""
    from beliefs.model import system

    run = system.evaluate(xp, params, columns, structure, start)
    logs = system.log_likelihoods(xp, params, columns, structure, run)
    return {
        "logit_belief": run.logit_belief,
        "audience": run.audience,
        "surplus": run.surplus,
        "onset": run.onset,
        "continuation": run.continuation,
        "log_talks": logs["talks"],
        "log_reading": logs["reading"],
    }
